/** A copy of a text: one that was cut out of a longer text would keep all of that in memory for as long as it lives. */
export const detached = (text: string): string => JSON.parse(JSON.stringify(text)) as string;
