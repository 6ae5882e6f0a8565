/**
 * What to try first against a gateway in front of the demo, as data: `sluice demo` prints it, tests run it.
 */

/** One call of curl. */
export interface CurlExample {
  /** What it shows. */
  readonly title: string;
  /** Arguments of curl, unquoted. */
  readonly args: readonly string[];
}

/**
 * Examples for a gateway at `baseUrl` (`http://127.0.0.1:8080`, without a slash at the end), in an order in which all
 * of them work.
 */
export function curlExamples(baseUrl: string): readonly CurlExample[] {
  const json = ["-H", "content-type: application/json"];
  return [
    {
      title: "List: path variable, paging and filter in the query",
      args: [
        "-s",
        "-G",
        `${baseUrl}/v1/shelves/1/books`,
        "-d",
        "page_size=2",
        "--data-urlencode",
        "filter=page_count>400",
      ],
    },
    {
      title: "Get: a resource name over four segments",
      args: ["-s", `${baseUrl}/v1/shelves/1/books/frankenstein`],
    },
    {
      title: "Create: the HTTP body is the field `book`, the id comes from the query",
      args: [
        "-s",
        ...json,
        `${baseUrl}/v1/shelves/1/books?book_id=emma`,
        "-d",
        '{"title":"Emma","authors":[{"displayName":"Jane Austen"}],"genre":"NOVEL","pageCount":512}',
      ],
    },
    {
      title: "Update: the field mask follows from what is in the body",
      args: [
        "-s",
        "-X",
        "PATCH",
        ...json,
        `${baseUrl}/v1/shelves/1/books/emma`,
        "-d",
        '{"rating":4.4,"subtitle":"A Novel"}',
      ],
    },
    {
      title: "Custom verb: move it to another shelf",
      args: ["-s", ...json, `${baseUrl}/v1/shelves/1/books/emma:move`, "-d", '{"destination":"shelves/3"}'],
    },
    { title: "Delete", args: ["-s", "-X", "DELETE", `${baseUrl}/v1/shelves/3/books/emma`] },
    {
      title: "HttpBody down: the cover as an image",
      args: [
        "-s",
        "-o",
        "cover.png",
        "-w",
        "%{content_type} %{size_download} bytes\n",
        `${baseUrl}/v1/shelves/1/books/frankenstein/cover`,
      ],
    },
    {
      title: "HttpBody up: raw bytes, any media type",
      args: [
        "-s",
        "-X",
        "PUT",
        "-H",
        "content-type: image/png",
        "--data-binary",
        "@cover.png",
        `${baseUrl}/v1/shelves/1/books/middlemarch/cover`,
      ],
    },
    {
      title: "One method, another binding: the catalogue card as Markdown",
      args: ["-s", `${baseUrl}/v1/shelves/1/books/frankenstein:card`],
    },
    {
      title: "Error: the fields at fault, in google.rpc details",
      args: [
        "-s",
        "-i",
        ...json,
        `${baseUrl}/v1/shelves/1/books`,
        "-d",
        '{"title":"Emma","isbn":"9780141439519","pageCount":-1}',
      ],
    },
    {
      title: "Stream: the books of a shelf, then changes, a line each (ends after three)",
      args: ["-sN", "-H", "accept: application/x-ndjson", `${baseUrl}/v1/shelves/1/books:watch?limit=3`],
    },
    {
      title: "Streams both ways: say something in the reading room (who has the page open hears it)",
      args: ["-sN", ...json, `${baseUrl}/v1/reading-room:talk`, "-d", '{"nickname":"curl","text":"Hello"}'],
    },
    {
      title: "Deadline: the upstream wants 5 s, the client gives it 1 s",
      args: ["-s", "-i", "-H", "x-server-timeout: 1", `${baseUrl}/v1/wait?delay=5s`],
    },
    {
      title: "Metadata: headers go up, initial metadata comes back as headers",
      args: [
        "-s",
        "-i",
        "-H",
        "x-request-id: demo-1",
        "-H",
        "authorization: Bearer secret",
        `${baseUrl}/v1/call`,
      ],
    },
  ];
}

/** The example as one line for a POSIX shell. */
export function curlCommand(example: CurlExample): string {
  return ["curl", ...example.args].map(quoteForShell).join(" ");
}

function quoteForShell(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("\n", "\\n").replaceAll("'", String.raw`'\''`)}'`;
}
