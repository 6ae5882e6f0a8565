/** State of a channel's connections: `failing` means that the last attempts failed and that the next one waits. */
export type Connectivity = "idle" | "connecting" | "ready" | "failing" | "closed";
