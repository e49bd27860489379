/** What a program has written until there was something like that in it. Throws when it ends before. */
export async function untilSaid(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  let said = "";
  const reader = stream.getReader();
  // What comes after stays unread: a program that says little more is not held up by that.
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The program ended and said: ${said}`);
    said += decoder.decode(value, { stream: true });
    if (pattern.test(said)) return said;
  }
}
