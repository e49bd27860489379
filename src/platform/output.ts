/** What a program may print: credentials are small, and a plugin gone wild must not fill our memory. */
const OUTPUT_LIMIT = 1024 * 1024;

/** Reads a program's output. Rejects beyond the limit. */
export async function readOutput(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > OUTPUT_LIMIT) throw new Error(`it printed more than ${OUTPUT_LIMIT} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
