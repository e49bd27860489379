/**
 * Ocelot's files are JSON with comments and closing commas. YAML takes the commas; comments become spaces here, so that
 * every value keeps its line and column.
 */
export function withoutComments(content: string): string {
  const TOKEN = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
  return content
    .replace(TOKEN, (found) => (found.startsWith("/") ? found.replace(/[^\n\r]/g, " ") : found))
    .replaceAll("\t", " ");
}
