/** A text that means itself, in the notation of gateway.yaml, where `${` begins an environment variable. */
export const literalText = (written: string): string => written.replaceAll("${", () => "$${");
