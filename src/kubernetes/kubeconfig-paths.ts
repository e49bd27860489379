/** The paths of a `kubeconfig` key: one, or several between colons (semicolons on Windows), as in KUBECONFIG. */
export function kubeconfigPaths(text: string): string[] {
  // A colon behind a single letter and before a slash is a drive.
  const parts = text.includes(";") ? text.split(";") : text.split(/(?<!(?:^|:)[A-Za-z]):|:(?![\\/])/);
  return [...new Set(parts.filter((part) => part !== ""))];
}
