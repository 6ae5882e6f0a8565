/**
 * What is wrong with a .proto file, and where.
 */

/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Whether a file is at fault itself, or only imports one that is. */
export type FaultOrigin = "own" | "import";

/** Ends the reading of a file, or of one declaration. Becomes a `Problem` of the source. */
export class ProtoFault extends Error {
  readonly what: string;
  readonly hint: string;
  readonly at: Position;
  readonly origin: FaultOrigin;

  constructor(
    at: Position,
    what: string,
    hint: string = "protoc or buf say more of what is wrong",
    origin: FaultOrigin = "own",
  ) {
    super(what);
    this.origin = origin;
    this.name = "ProtoFault";
    this.what = what;
    this.hint = hint;
    this.at = { line: at.line, column: at.column };
  }
}
