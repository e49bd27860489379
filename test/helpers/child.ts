const SETPRIV = Bun.which("setpriv");

/**
 * The command line of a program that serves until it is told to stop, made to end with the process that starts it: a test
 * that is bailed out of or killed leaves none behind. Where `setpriv` of util-linux is missing it is the command itself.
 */
export const endingWithUs = (command: readonly string[]): string[] =>
  SETPRIV === null ? [...command] : [SETPRIV, "--pdeathsig", "KILL", ...command];
