/** The browser's script, imported as text: it is part of the program, whatever that is packed into. */
declare const text: string;
export default text;
