/** Where Node's llhttp and our reader differ. */
export interface Difference {
  /** Of RFC 9112, or of RFC 9110 where that stands before it: what decides. */
  readonly section: string;
  readonly why: string;
  /** Cases by their names, and the beginning of the names of a family. */
  readonly cases: readonly string[];
  readonly family?: string;
}

/** llhttp takes these, and we refuse them. */
export const WE_ARE_STRICTER: readonly Difference[] = [
  {
    section: "2.2",
    why: "a server may skip an empty line, CRLF, before a request line: not any number of them, and nothing else",
    cases: ["five empty lines before it", "an LF before it", "a CR before it", "a CR, a CR and an LF before it"],
  },
  {
    section: "3",
    why: "one space between the parts of a request line: a recipient may split at more, and is warned of readings that differ",
    cases: ["two spaces behind the method", "two spaces before the version"],
  },
  {
    section: "2.3",
    why: "another major version is another protocol: 505 (RFC 9110 section 15.6.6), and 0.9 has no fields",
    cases: ["HTTP/0.9", "HTTP/0.9 named", "HTTP/2.0"],
  },
  {
    section: "9110 9.3.6",
    why: "CONNECT is answered 501: Node closes the connection without an answer where nothing listens for it",
    cases: ["CONNECT with an authority", "CONNECT with a path"],
  },
  {
    section: "3.2",
    why: "a request target has no fragment (RFC 3986 section 3.5): what stands behind # is read as path or cut off",
    cases: ["a fragment", "a fragment in the query", "an empty fragment"],
  },
  {
    section: "3.2.2",
    why: "absolute-form is a URI of a scheme that is served here, with a host and without a user (RFC 9110 sections 4.2.1, 4.2.4)",
    cases: [
      "an absolute URL with a user",
      "an absolute URL with a user and a password",
      "an absolute URL with an empty user",
      "an absolute URL without a host",
      "an absolute URL with a port alone",
      "an absolute URL with an empty authority and a query",
      "an absolute URL with a list of hosts",
      "an absolute URL with a port that is none",
      "an absolute URL with a port beyond all",
      "an absolute URL with a host cut open",
      "an absolute URL with an escape in its host",
      "an absolute URL of ftp",
      "an absolute URL of ws",
      "an absolute URL of another scheme",
    ],
  },
  {
    section: "3.2.4",
    why: "asterisk-form is for OPTIONS, and * alone",
    cases: ["* for GET", "* and more for OPTIONS", "* and a query for OPTIONS"],
  },
  {
    section: "3.2",
    why: "more than one Host, or one that is no host, is a 400",
    cases: [
      "two Hosts",
      "two equal Hosts",
      "two Hosts in other letters",
      "two Hosts, one of them empty",
      "two Hosts in HTTP/1.0",
      "a Host that is none in HTTP/1.0",
      "an absolute URL and a Host that is none",
    ],
    family: "the Host ",
  },
  {
    section: "9110 5.4",
    why: "the limits are ours, set by the operator (RFC 9112 section 3 asks for a 414 of a target beyond them)",
    cases: [
      "a path and query that are longer",
      "a path and query without an end",
      "one field more",
      "fields larger by a byte",
      "a name without an end",
      "a value without an end",
      "trailers without an end",
      "more trailers than may be",
    ],
  },
  {
    section: "6.2",
    why: "an overflow of integers must not happen: numbers beyond 2^53 are inexact here, of chunks from 2^52 on",
    cases: ["a length of 16 digits", "a length of 2^53", "a size of 16 digits"],
  },
  {
    section: "6.1",
    why: "Transfer-Encoding in HTTP/1.0 is faulty framing, and a coding that is not known is not passed over",
    cases: [
      "a coding in HTTP/1.0",
      "an empty coding behind chunked",
      'the coding "gzip, chunked"',
      'the coding "identity, chunked"',
      'the coding ",chunked"',
      'the coding ""',
    ],
  },
  {
    section: "7.1.1",
    why: "an extension has a name, and a value where it has an equals sign",
    cases: ["an extension without a name", "an extension without a value"],
  },
  {
    section: "9110 10.1.1",
    why: "an expectation that is not known may be answered 417",
    cases: ["two expectations", "two expectations in two lines"],
  },
];

/** llhttp refuses these, or does so earlier. */
export const LLHTTP_IS_STRICTER: readonly Difference[] = [
  {
    section: "9110 9.1",
    why: "a method is any token, in any letters: llhttp knows a list of them",
    cases: [
      "the method LIST",
      "the method get",
      "the method G",
      "a method of all that a token has",
      "a method of 64 bytes",
    ],
  },
  {
    section: "3.2",
    why: "a server may pass on a target that is no URI as it is, if it does not change what it means",
    cases: ["a path with bytes above 0x7f"],
  },
  {
    section: "7.1.1",
    why: "white space around the parts of an extension is bad, and is to be parsed",
    cases: ["extensions with quotes and white space"],
  },
  {
    section: "7.1.2",
    why: "trailers that a recipient does not know are dropped: they are never merged into the head, and frame nothing",
    cases: ["trailers that would frame another way"],
  },
  {
    section: "2.2",
    why: "a line is judged when its end is there, so that no cut makes a difference",
    cases: ["a fault in a line whose end has not come"],
  },
];

/** A lone CR is no request, and no reason to wait at the end of the connection: Node closes without an error, as the server does. */
export const SAME_IN_THE_END: readonly string[] = ["half an empty line"];
