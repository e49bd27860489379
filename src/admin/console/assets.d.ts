/** A style sheet, imported as text: it is part of the program, whatever that is packed into. */
declare module "*.css" {
  const text: string;
  export default text;
}
