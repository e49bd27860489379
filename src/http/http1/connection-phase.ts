/**
 * What a client's connection is at.
 * - `idle`: no request has begun.
 * - `head`: the head of one has, and is not whole.
 * - `request`: a request is under way, until its answer has been handed to the system.
 * - `unread`: its answer has been; the rest of its body is still read.
 * - `lingering`: no more will be sent; what comes is dropped, for its sender to read the answer first.
 * - `tunnel`: another has taken the connection over.
 * - `over`: it is closed.
 */
export type ConnectionPhase = "idle" | "head" | "request" | "unread" | "lingering" | "tunnel" | "over";

/**
 * Why a connection's time is up.
 * - `head`: a head took too long.
 * - `keep_alive`: no request came.
 * - `body`: a request's body comes too slowly.
 * - `write`: the client does not take what waits for it.
 * - `linger`: `unread` or `lingering` lasted long enough.
 */
export type ConnectionTimeout = "head" | "keep_alive" | "body" | "write" | "linger";
