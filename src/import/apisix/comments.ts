import type { Input } from "../input.ts";

/** Says in words what an object is called and what it is for: it becomes its comment. */
export function commentsOf(object: Input): string[] {
  const name = object.at("name").text();
  const words: string[] = name === undefined ? [] : [name];
  const description = object.at("desc").text();
  if (description !== undefined) words.push(description);
  const labels = object.at("labels");
  const shown = labels.keys().flatMap((key) => {
    const value = labels.at(key).text();
    return value === undefined ? [] : [`${key}=${value}`];
  });
  if (labels.exists && labels.keys().length === 0) labels.take();
  if (shown.length > 0) words.push(`labels: ${shown.join(", ")}`);
  for (const key of ["create_time", "update_time"]) {
    const time = object.at(key).text();
    if (time !== undefined) words.push(`${key}: ${time}`);
  }
  return words;
}
