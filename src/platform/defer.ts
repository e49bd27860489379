/**
 * Calls a function in the event loop's next turn, once what this one has brought is done with: on Workers, which have no such
 * call, as soon as the code that runs is through.
 */
export const inNextTurn: (fn: () => void) => void = globalThis.setImmediate ?? queueMicrotask;
