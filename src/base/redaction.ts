/** Stands where a value may not be shown. */
export const REDACTED = "xxx";

/** A URL (or a template of one) without what may be a credential: user and password, values in its query. */
export const showUrl = (url: string): string =>
  url.replace(/\/\/[^/?#]*@/, `//${REDACTED}@`).replace(/([?&][^=&#{}]*=)[^&#{}]+/g, `$1${REDACTED}`);
