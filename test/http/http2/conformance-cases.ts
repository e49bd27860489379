import { H2_ERROR as E } from "../../../src/http/http2/errors.ts";
import { FLAG, FRAME, MAX_WINDOW, SETTING } from "../../../src/http/http2/frames.ts";
import { hpackBlock, hpackInteger, hpackText, huffmanOf } from "../../helpers/hpack.ts";
import {
  data,
  frame,
  get,
  HELLO,
  headers,
  type Line,
  ping,
  post,
  requestLines,
  rstStream,
  SETTINGS_ACK,
  settings,
  uint32,
  windowUpdate,
} from "../../helpers/http2-frames.ts";

/** What comes of it. The connection goes on, and answers a PING, unless `connection` ends it. */
type Outcome =
  | { readonly connection: number }
  /** The stream is reset with it, 1 unless said; `status`: behind an answer. */
  | { readonly stream: number; readonly on?: number; readonly status?: number }
  /** Streams that are answered 200; `status`: of stream 1, which is not reset. */
  | { readonly answered?: readonly number[]; readonly status?: number };

export interface ConformanceCase {
  /** Of RFC 9113, or of RFC 7541 behind "HPACK". */
  readonly section: string;
  readonly what: string;
  /** What the client sends behind its preface and settings. */
  readonly bytes: readonly number[];
  /** False: these are the first bytes. */
  readonly greeted?: boolean;
  readonly then: Outcome;
}

const joined = (...parts: readonly (readonly number[])[]): number[] => parts.flat();
const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const PREFACE = HELLO.slice(0, 24);
const OK: Outcome = { answered: [1] };
const PROTOCOL: Outcome = { connection: E.protocol };
const FRAME_SIZE: Outcome = { connection: E.frameSize };
const COMPRESSION: Outcome = { connection: E.compression };
const MALFORMED: Outcome = { stream: E.protocol };
const REFUSED_400: Outcome = { stream: E.protocol, status: 400 };

const row = (section: string, what: string, bytes: readonly number[], then: Outcome): ConformanceCase => ({
  section,
  what,
  bytes,
  then,
});
const first = (section: string, what: string, bytes: readonly number[], then: Outcome): ConformanceCase => ({
  ...row(section, what, bytes, then),
  greeted: false,
});

/** A GET whose field lines are these. */
const request = (lines: readonly Line[]): number[] => headers(1, lines);
const without = (name: string, lines = requestLines()): Line[] => lines.filter(([other]) => other !== name);
const withField = (name: string, value: string): number[] => get(1, [[name, value]]);
const block = (bytes: readonly number[], flags: number = FLAG.endHeaders | FLAG.endStream, stream = 1): number[] =>
  frame(FRAME.headers, flags, stream, bytes);
const GET_BLOCK = hpackBlock(requestLines());
const SPLIT = [GET_BLOCK.slice(0, 5), GET_BLOCK.slice(5, 20), GET_BLOCK.slice(20)] as const;
const continuation = (stream: number, bytes: readonly number[], last: boolean): number[] =>
  frame(FRAME.continuation, last ? FLAG.endHeaders : 0, stream, bytes);
const priority = (stream: number, on: number): number[] => frame(FRAME.priority, 0, stream, [...uint32(on), 15]);
const connect = (more: readonly Line[] = []): number[] =>
  headers(1, [[":method", "CONNECT"], [":authority", "example.com:443"], ...more], false);

export const CASES: readonly ConformanceCase[] = [
  first("3.4", "takes a preface and settings", joined(HELLO, get(1)), OK),
  first("3.4", "takes requests before its settings are acknowledged", joined(HELLO, get(1), SETTINGS_ACK), OK),
  first("3.4", "refuses a preface that is another", [...PREFACE.slice(0, 20), 0, 0, 0, 0], PROTOCOL),
  first("3.4", "refuses HTTP/1 in place of a preface", Array.from(Buffer.from("GET / HTTP/1.1\r\n\r\n")), PROTOCOL),
  first("3.4", "refuses a first frame that is not SETTINGS", joined(PREFACE, ping()), PROTOCOL),
  first("3.4", "refuses an ACK as the first frame", joined(PREFACE, SETTINGS_ACK), PROTOCOL),

  row("4.1", "ignores frames of unknown types", joined(frame(0x16, 0, 0, zeros(8)), get(1)), OK),
  row("4.1", "ignores frames of unknown types on streams", joined(post(1), frame(0x16, 255, 1), data(1, "a", true)), OK),
  row("4.1", "ignores undefined flags", frame(FRAME.ping, 0x16, 0, zeros(8)), {}),
  row("4.1", "ignores the reserved bit", joined(frame(FRAME.ping, 0, 0x8000_0000, zeros(8)), get(1)), OK),
  row("4.2", "takes a DATA frame of 2^14 bytes", joined(post(1), data(1, zeros(16_384), true)), OK),
  row("4.2", "refuses a DATA frame that is larger", joined(post(1), frame(FRAME.data, 1, 1, zeros(16_385))), FRAME_SIZE),
  row("4.2", "refuses a larger frame as soon as it says so", frame(FRAME.data, 1, 1, [], 16_385), FRAME_SIZE),
  row("4.2", "refuses a HEADERS frame that is larger", frame(FRAME.headers, 5, 1, zeros(16_385)), FRAME_SIZE),
  row("4.2", "refuses an unknown frame that is larger", frame(0x99, 0, 0, zeros(16_385)), FRAME_SIZE),
  row("4.3", "refuses a block that cannot be decoded", block([0x80]), COMPRESSION),
  row(
    "4.3",
    "refuses PRIORITY within a block",
    joined(block(SPLIT[0], FLAG.endStream), priority(1, 3), continuation(1, SPLIT[1], true)),
    PROTOCOL,
  ),
  row("4.3", "refuses HEADERS within a block", joined(block(SPLIT[0], FLAG.endStream), get(3)), PROTOCOL),
  row("4.3", "refuses an unknown frame within a block", joined(block(SPLIT[0], 0), frame(0x42, 0, 1)), PROTOCOL),
  row(
    "4.3",
    "decodes blocks of streams that are refused",
    joined(
      // The line goes into the table although its request is malformed.
      block([...hpackBlock([["UPPER", "x"]]), 0x40, ...hpackText(":path"), ...hpackText("/x")]),
      block([0x82, 0x86, 0x80 | 62, 0x41, ...hpackText("example.com")], FLAG.endHeaders | FLAG.endStream, 3),
    ),
    { answered: [3] },
  ),

  row("5.1", "refuses DATA on an idle stream", data(1, "a", true), PROTOCOL),
  row("5.1", "refuses RST_STREAM on an idle stream", rstStream(1), PROTOCOL),
  row("5.1", "refuses WINDOW_UPDATE on an idle stream", windowUpdate(1, 100), PROTOCOL),
  row("5.1", "refuses CONTINUATION on an idle stream", continuation(1, GET_BLOCK, true), PROTOCOL),
  row("5.1", "resets a half-closed stream for DATA", joined(post(1), data(1, "", true), data(1, "b", true)), {
    stream: E.streamClosed,
  }),
  row("5.1", "ends for HEADERS on a closed stream", joined(get(1), get(1)), { connection: E.streamClosed }),
  row("5.1", "ends for DATA on a closed stream", joined(get(1), data(1, "a")), { connection: E.streamClosed }),
  row("5.1", "ends for DATA on a stream that the client reset", joined(post(1), rstStream(1), data(1, "a")), {
    connection: E.streamClosed,
  }),
  row("5.1", "ends for HEADERS on a stream that the client reset", joined(post(1), rstStream(1), get(1)), {
    connection: E.streamClosed,
  }),
  row("5.1", "takes PRIORITY on idle and closed streams", joined(priority(7, 0), get(1), priority(1, 0)), OK),
  row("5.1", "takes WINDOW_UPDATE and RST_STREAM on a closed stream", joined(get(1), windowUpdate(1, 9), rstStream(1)), {}),
  row("5.1", "ignores what was on its way to a stream reset here", joined(post(1, [["A", "b"]]), data(1, "abc"), get(3)), {
    stream: E.protocol,
  }),
  row("5.1.1", "refuses streams of even numbers", get(2), PROTOCOL),
  row("5.1.1", "refuses a number lower than the last", joined(get(5), get(3)), PROTOCOL),
  row("5.1.1", "takes numbers with gaps", joined(get(1), get(7), get(9)), { answered: [1, 7, 9] }),
  row("5.1.1", "takes the highest number", get(MAX_WINDOW), { answered: [MAX_WINDOW] }),
  row(
    "5.1.2",
    "refuses streams beyond its limit",
    Array.from({ length: 101 }, (_, i) => post(2 * i + 1)).flat(),
    { stream: E.refusedStream, on: 201 },
  ),
  row("5.3", "refuses HEADERS that depend on their own stream", frame(FRAME.headers, 0x25, 1, [...uint32(1), 1, ...GET_BLOCK]), PROTOCOL),
  row("5.3", "refuses PRIORITY of a stream on itself", priority(3, 3), PROTOCOL),
  row("5.3", "takes HEADERS with priority", frame(FRAME.headers, 0x25, 1, [...uint32(0x8000_0000), 200, ...GET_BLOCK]), OK),
  row("5.4.1", "says which stream was the last", joined(get(1), get(3), data(0, "x")), PROTOCOL),
  row("5.5", "ignores unknown settings", joined(settings([0x99, 1], [0xffff, 2]), get(1)), OK),
  row("5.5", "ignores unknown error codes", joined(post(1), rstStream(1, 0xff), get(3)), { answered: [3] }),

  row("6.1", "refuses DATA on stream 0", data(0, "a"), PROTOCOL),
  row("6.1", "takes DATA with padding", joined(post(1), frame(FRAME.data, 9, 1, [3, 97, 0, 0, 0])), OK),
  row("6.1", "takes DATA of padding alone", joined(post(1), frame(FRAME.data, 9, 1, [3, 0, 0, 0])), OK),
  row("6.1", "refuses padding as long as the frame", joined(post(1), frame(FRAME.data, 9, 1, [4, 0, 0, 0])), PROTOCOL),
  row("6.1", "refuses padding in a frame without bytes", joined(post(1), frame(FRAME.data, 9, 1, [])), FRAME_SIZE),
  row("6.2", "refuses HEADERS on stream 0", block(GET_BLOCK, 5, 0), PROTOCOL),
  row("6.2", "takes HEADERS with padding", frame(FRAME.headers, 0xd, 1, [2, ...GET_BLOCK, 0, 0]), OK),
  row("6.2", "refuses HEADERS with too much padding", frame(FRAME.headers, 0xd, 1, [200, ...GET_BLOCK]), PROTOCOL),
  row("6.2", "refuses HEADERS too short for their priority", frame(FRAME.headers, 0x25, 1, [0, 0, 0]), FRAME_SIZE),
  row("6.3", "refuses PRIORITY on stream 0", priority(0, 1), PROTOCOL),
  row("6.3", "refuses PRIORITY that is too short", frame(FRAME.priority, 0, 1, zeros(4)), FRAME_SIZE),
  row("6.3", "refuses PRIORITY that is too long", frame(FRAME.priority, 0, 1, zeros(6)), FRAME_SIZE),
  row("6.4", "refuses RST_STREAM on stream 0", rstStream(0), PROTOCOL),
  row("6.4", "refuses RST_STREAM of another length", joined(post(1), frame(FRAME.rstStream, 0, 1, zeros(3))), FRAME_SIZE),
  row("6.4", "refuses RST_STREAM that is longer", joined(post(1), frame(FRAME.rstStream, 0, 1, zeros(5))), FRAME_SIZE),
  row("6.5", "refuses an ACK with settings", frame(FRAME.settings, 1, 0, zeros(6)), FRAME_SIZE),
  row("6.5", "refuses SETTINGS on a stream", frame(FRAME.settings, 0, 1), PROTOCOL),
  row("6.5", "refuses half a setting", frame(FRAME.settings, 0, 0, zeros(3)), FRAME_SIZE),
  row("6.5.2", "refuses ENABLE_PUSH of 2", settings([SETTING.enablePush, 2]), PROTOCOL),
  row("6.5.2", "takes ENABLE_PUSH of 0 and 1", joined(settings([SETTING.enablePush, 0], [SETTING.enablePush, 1]), get(1)), OK),
  row("6.5.2", "refuses a window of 2^31", settings([SETTING.initialWindowSize, 0x8000_0000]), { connection: E.flowControl }),
  row("6.5.2", "refuses a largest frame below 2^14", settings([SETTING.maxFrameSize, 16_383]), PROTOCOL),
  row("6.5.2", "refuses a largest frame of 2^24", settings([SETTING.maxFrameSize, 0x100_0000]), PROTOCOL),
  row("6.5.2", "takes the largest frames", joined(settings([SETTING.maxFrameSize, 0xff_ffff]), get(1)), OK),
  row("6.5.2", "refuses ENABLE_CONNECT_PROTOCOL of 2", settings([SETTING.enableConnectProtocol, 2]), PROTOCOL),
  row("6.5.2", "takes a limit of no streams of its own", joined(settings([SETTING.maxConcurrentStreams, 0]), get(1)), OK),
  row("6.5.2", "takes a table of no bytes", joined(settings([SETTING.headerTableSize, 0]), get(1)), OK),
  row("6.5.3", "takes a setting several times, the last counts", joined(settings([SETTING.initialWindowSize, 0], [SETTING.initialWindowSize, 100]), get(1)), OK),
  row("6.6", "refuses PUSH_PROMISE", frame(FRAME.pushPromise, 4, 1, [...uint32(2), ...GET_BLOCK]), PROTOCOL),
  row("6.7", "ignores a PING that is an ACK", joined(ping("12345678", 1), get(1)), OK),
  row("6.7", "refuses PING on a stream", frame(FRAME.ping, 0, 1, zeros(8)), PROTOCOL),
  row("6.7", "refuses PING that is too short", frame(FRAME.ping, 0, 0, zeros(6)), FRAME_SIZE),
  row("6.7", "refuses PING that is too long", frame(FRAME.ping, 0, 0, zeros(9)), FRAME_SIZE),
  row("6.8", "refuses GOAWAY on a stream", frame(FRAME.goaway, 0, 1, zeros(8)), PROTOCOL),
  row("6.8", "refuses GOAWAY that is too short", frame(FRAME.goaway, 0, 0, zeros(7)), FRAME_SIZE),
  row("6.9", "refuses an increment of 0 on the connection", windowUpdate(0, 0), PROTOCOL),
  row("6.9", "resets a stream for an increment of 0", joined(post(1), windowUpdate(1, 0)), MALFORMED),
  row("6.9", "refuses WINDOW_UPDATE of another length", frame(FRAME.windowUpdate, 0, 0, zeros(3)), FRAME_SIZE),
  row("6.9", "refuses WINDOW_UPDATE that is longer", frame(FRAME.windowUpdate, 0, 0, [0, 0, 0, 1, 0]), FRAME_SIZE),
  row("6.9", "ignores the reserved bit of an increment", joined(windowUpdate(0, 0x8000_0001), get(1)), OK),
  row("6.9.1", "ends for a window beyond 2^31-1", windowUpdate(0, MAX_WINDOW), { connection: E.flowControl }),
  row("6.9.1", "resets a stream for a window beyond 2^31-1", joined(post(1), windowUpdate(1, MAX_WINDOW)), {
    stream: E.flowControl,
  }),
  row("6.9.1", "takes the largest windows", joined(windowUpdate(0, MAX_WINDOW - 65_535), post(1), windowUpdate(1, MAX_WINDOW - 65_535), data(1, "", true)), OK),
  row("6.9.2", "ends for settings that make a window too large", joined(post(1), windowUpdate(1, 1), settings([SETTING.initialWindowSize, MAX_WINDOW])), {
    connection: E.flowControl,
  }),
  row("6.10", "takes a block in CONTINUATION frames", joined(block(SPLIT[0], 1), continuation(1, SPLIT[1], false), continuation(1, SPLIT[2], true)), OK),
  row("6.10", "takes CONTINUATION without bytes", joined(block(GET_BLOCK, 1), continuation(1, [], true)), OK),
  row("6.10", "refuses CONTINUATION behind a whole block", joined(get(1), continuation(1, GET_BLOCK, true)), PROTOCOL),
  row("6.10", "refuses CONTINUATION behind DATA", joined(post(1), data(1, "a"), continuation(1, GET_BLOCK, true)), PROTOCOL),
  row("6.10", "refuses CONTINUATION on stream 0", joined(block(SPLIT[0], 1), continuation(0, SPLIT[1], true)), PROTOCOL),
  row("6.10", "refuses CONTINUATION on another stream", joined(block(SPLIT[0], 1), continuation(3, SPLIT[1], true)), PROTOCOL),
  row("6.10", "ends for a block in hundreds of frames", joined(block([], 1), ...Array.from({ length: 200 }, () => continuation(1, [], false))), {
    connection: E.enhanceYourCalm,
  }),
  row("6.10", "ends for a block of hundreds of kilobytes", joined(block([], 1), ...Array.from({ length: 20 }, () => continuation(1, zeros(16_384), false))), {
    connection: E.enhanceYourCalm,
  }),
  row("7", "takes GOAWAY with an unknown error, and streams that are open go on", joined(post(1), frame(FRAME.goaway, 0, 0, [...uint32(0), ...uint32(0xff)])), {}),

  row("8.1", "takes a request with a body", joined(post(1), data(1, "a"), data(1, "b", true)), OK),
  row("8.1", "takes trailers", joined(post(1), data(1, "a"), headers(1, [["x-sum", "1"]])), OK),
  row("8.1", "resets a stream for further HEADERS without END_STREAM", joined(post(1), data(1, "a"), headers(1, [["x", "1"]], false)), MALFORMED),
  row("8.1", "resets a stream for HEADERS behind HEADERS without END_STREAM", joined(post(1), headers(1, requestLines(), false)), MALFORMED),
  row("8.1", "resets a stream for pseudo-fields in trailers", joined(post(1), headers(1, [[":method", "GET"]])), MALFORMED),
  row("8.1", "resets a stream for malformed trailers", joined(post(1), headers(1, [["X-Sum", "1"]])), MALFORMED),
  row("8.1.1", "resets for a length that is more than the body", joined(post(1, [["content-length", "2"]]), data(1, "a", true)), MALFORMED),
  row("8.1.1", "resets for a length that is less than the body", joined(post(1, [["content-length", "1"]]), data(1, "ab")), MALFORMED),
  row("8.1.1", "resets for a length that is not the sum of frames", joined(post(1, [["content-length", "3"]]), data(1, "a"), data(1, "b", true)), MALFORMED),
  row("8.1.1", "resets for a length with trailers that come too soon", joined(post(1, [["content-length", "3"]]), headers(1, [["x", "1"]])), MALFORMED),
  row("8.1.1", "resets for a length without a body", withField("content-length", "1"), MALFORMED),
  row("8.1.1", "takes a length of 0 without a body", withField("content-length", "0"), OK),
  row("8.1.1", "resets for two lengths", get(1, [["content-length", "0"], ["content-length", "0"]]), MALFORMED),
  ...["+1", "-1", "1,1", "0x1", "1.0", ""].map((length) =>
    row("8.1.1", `resets for the length "${length}"`, joined(post(1, [["content-length", length]]), data(1, "a", true)), MALFORMED),
  ),
  row("8.2", "resets for a name in upper case", withField("X-Test", "ok"), MALFORMED),
  ...["", "a b", "a\tb", "a\rb", "a\nb", "a\0b", "a:b", "a\x7fb", "\xe9", "(", '"'].map((name) =>
    row("8.2.1", `resets for the name ${JSON.stringify(name)}`, withField(name, "x"), MALFORMED),
  ),
  ...["a\rb", "a\nb", "a\0b", " a", "a ", "\ta", "a\t", "a\r\nx: y", "\x01", "\x7f"].map((value) =>
    row("8.2.1", `resets for the value ${JSON.stringify(value)}`, withField("x", value), MALFORMED),
  ),
  row("8.2.1", "takes a value with bytes beyond ASCII, with tabs within and without any", get(1, [["x", "\xe9\xff"], ["y", "a\tb"], ["z", ""]]), OK),
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map((name) =>
    row("8.2.2", `resets for ${name}`, withField(name, "x"), MALFORMED),
  ),
  row("8.2.2", "resets for te that is not trailers", withField("te", "trailers, deflate"), MALFORMED),
  row("8.2.2", "takes te: trailers", withField("te", "trailers"), OK),
  row("8.3", "resets for a pseudo-field that is unknown", request([...requestLines(), [":test", "x"]]), MALFORMED),
  row("8.3", "resets for a pseudo-field of answers", request([...requestLines(), [":status", "200"]]), MALFORMED),
  row("8.3", "resets for a pseudo-field behind another", request([["x", "y"], ...requestLines()]), MALFORMED),
  row("8.3", "resets for a pseudo-field in upper case", request([...without(":path"), [":Path", "/"]]), MALFORMED),
  ...[":method", ":scheme", ":path"].map((name) =>
    row("8.3.1", `resets for a request without ${name}`, request(without(name)), MALFORMED),
  ),
  ...requestLines().map((line) =>
    row("8.3.1", `resets for ${line[0]} twice`, request([...requestLines(), line]), MALFORMED),
  ),
  row("8.3.1", "answers an empty path 400", request([...without(":path"), [":path", ""]]), REFUSED_400),
  row("8.3.1", "answers a path without a slash 400", request([...without(":path"), [":path", "a"]]), REFUSED_400),
  row("8.3.1", "answers a path with a fragment 400", request([...without(":path"), [":path", "/a#b"]]), REFUSED_400),
  row("8.3.1", "answers a path with a space 400", request([...without(":path"), [":path", "/a b"]]), REFUSED_400),
  row("8.3.1", "answers a URL as path 400", request([...without(":path"), [":path", "http://a/"]]), REFUSED_400),
  row("8.3.1", "answers :path * of GET 400", request([...without(":path"), [":path", "*"]]), REFUSED_400),
  row("8.3.1", "takes :path * of OPTIONS", headers(1, requestLines([], "OPTIONS", "*")), OK),
  row("8.3.1", "resets for a path with a line feed", request([...without(":path"), [":path", "/a\nb"]]), MALFORMED),
  row("8.3.1", "resets for an empty method", headers(1, requestLines([], "")), MALFORMED),
  row("8.3.1", "resets for a method that is no token", headers(1, requestLines([], "GET /x")), MALFORMED),
  row("8.3.1", "takes an unknown method", headers(1, requestLines([], "PURGE")), OK),
  row("8.3.1", "answers another scheme 400", request([...without(":scheme"), [":scheme", "ftp"]]), REFUSED_400),
  row("8.3.1", "answers a Host that is another 400", withField("host", "other.example"), REFUSED_400),
  row("8.3.1", "answers a Host with another port 400", withField("host", "example.com:81"), REFUSED_400),
  row("8.3.1", "answers two Hosts 400", get(1, [["host", "example.com"], ["host", "example.com"]]), REFUSED_400),
  row("8.3.1", "takes a Host that is the same", withField("host", "Example.com"), OK),
  row("8.3.1", "takes a Host without :authority", request([...without(":authority"), ["host", "example.com"]]), OK),
  row("8.3.1", "answers a request without either 400", request(without(":authority")), REFUSED_400),
  row("8.4", "refuses PUSH_PROMISE of a client on an idle stream", frame(FRAME.pushPromise, 4, 3, uint32(4)), PROTOCOL),
  row("8.5", "answers CONNECT 501", connect(), { stream: E.noError, status: 501 }),
  row("8.5", "resets for CONNECT with a path", connect([[":path", "/"]]), MALFORMED),
  row("8.5", "resets for CONNECT with a scheme", connect([[":scheme", "https"]]), MALFORMED),
  row("8.5", "resets for CONNECT without an authority", headers(1, [[":method", "CONNECT"]], false), MALFORMED),
  row("8.5", "resets for :protocol of another method (RFC 8441)", request([...requestLines(), [":protocol", "websocket"]]), MALFORMED),
  row("8.5", "answers another :protocol 501 (RFC 8441)", headers(1, [...requestLines([], "CONNECT"), [":protocol", "connect-udp"]], false), { stream: E.noError, status: 501 }),
  row("8.5", "resets for :protocol without a path (RFC 8441)", headers(1, [...without(":path", requestLines([], "CONNECT")), [":protocol", "websocket"]], false), MALFORMED),
  row("10.5", "answers more fields than allowed 431", get(1, Array.from({ length: 101 }, (_, i) => [`x-${i}`, "y"] as const)), { status: 431 }),
  row("10.5", "answers larger fields than allowed 431", joined(block([...GET_BLOCK, ...hpackBlock([["a", "x".repeat(16_000)]])], 1), continuation(1, hpackBlock([["b", "x".repeat(16_300)]]), false), continuation(1, hpackBlock([["c", "x".repeat(800)]]), true)), { status: 431 }),
  row("10.5", "answers a longer path than allowed 414", headers(1, requestLines([], "GET", `/${"x".repeat(8192)}`)), { status: 414 }),
  row("10.5", "answers another expectation 417", withField("expect", "200-ok"), { status: 417 }),

  row("HPACK 2.3.3", "refuses an index beyond the tables", block(hpackInteger(0x80, 7, 200)), COMPRESSION),
  row("HPACK 2.3.3", "refuses a name's index beyond the tables", block([...hpackInteger(0x40, 6, 200), 1, 97]), COMPRESSION),
  row("HPACK 4.2", "refuses a size update at the end of a block", block([...GET_BLOCK, 0x20]), COMPRESSION),
  row("HPACK 4.2", "takes size updates at the beginning", block([0x20, ...hpackInteger(0x20, 5, 4096), ...GET_BLOCK]), OK),
  row("HPACK 5.2", "refuses padding of more than 7 bits", block([...GET_BLOCK, 0, 1, 97, 0x82, ...huffmanOf("0"), 0xff]), COMPRESSION),
  row("HPACK 5.2", "refuses padding of zeros", block([...GET_BLOCK, 0, 1, 97, 0x81, ...huffmanOf("0", "0")]), COMPRESSION),
  row("HPACK 5.2", "refuses EOS", block([...GET_BLOCK, 0, 1, 97, 0x84, 0xff, 0xff, 0xff, 0xff]), COMPRESSION),
  row("HPACK 5.2", "takes Huffman code", block(hpackBlock(requestLines([["x", "\xff"]]), true)), OK),
  row("HPACK 6.1", "refuses index 0", block([...GET_BLOCK, 0x80]), COMPRESSION),
  row("HPACK 6.3", "refuses a size beyond what was announced", block([...hpackInteger(0x20, 5, 4097), ...GET_BLOCK]), COMPRESSION),
]; // biome-ignore format: a table
