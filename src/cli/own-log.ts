/** How the gateway's own log goes to standard output, in every process. */

/** How much of it is kept for a reader of standard output that is slow; more than of the access log. */
export const LOG_BUFFER_BYTES: number = 4 * 1024 * 1024;

/** How long a reader has for the last lines. */
export const LAST_LINES_MS: number = 1000;
