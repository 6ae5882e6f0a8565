/**
 * Well-known types whose JSON is one string: Timestamp, Duration, FieldMask.
 * Source: google/protobuf/timestamp.proto, duration.proto, field_mask.proto ("JSON Mapping"); RFC 3339.
 */

import {
  daysOfDate,
  MAX_DURATION_SECONDS,
  MAX_TIMESTAMP_SECONDS,
  MIN_TIMESTAMP_SECONDS,
} from "../text/civil-time.ts";
import { type ByteSink, VALUE_ROOM } from "./byte-sink.ts";
import { Byte, type JsonSource } from "./json-source.ts";
import { copyStringTo, readUnescaped } from "./json-string.ts";
import type { ReadState } from "./read-state.ts";

const TWO_32 = 4294967296;
const TIMESTAMP = 'an RFC 3339 time ("2024-02-29T12:00:00Z")';
const DURATION = 'a duration in seconds ("1.5s")';

/** Reads a time; writes seconds and nanos. */
export function readTimestamp(state: ReadState): void {
  parseTimestamp(state.json, state.wire);
}

function parseTimestamp(json: JsonSource, wire: ByteSink): void {
  const start = json.pos;
  if (json.bytes[start] !== Byte.QUOTE) throw json.unexpected(TIMESTAMP);
  const text = json.bytes;
  const at = start + 1;
  const isPunctuated =
    text[at + 4] === 0x2d &&
    text[at + 7] === 0x2d &&
    text[at + 10] === 0x54 &&
    text[at + 13] === 0x3a &&
    text[at + 16] === 0x3a;
  const days = daysOfDate(digits(text, at, 4), digits(text, at + 5, 2), digits(text, at + 8, 2));
  const hour = digits(text, at + 11, 2);
  const minute = digits(text, at + 14, 2);
  const second = digits(text, at + 17, 2);
  // NaN fails every comparison. Leap seconds have no place in a Timestamp.
  if (!isPunctuated || days === undefined || !(hour < 24 && minute < 60 && second < 60)) {
    readUnescaped(json, start, TIMESTAMP, (plain) => {
      parseTimestamp(plain, wire);
    });
    return;
  }
  json.pos = at + 19;
  const nanos = fraction(json, 1);
  const offset = zoneSeconds(json);
  if (Number.isNaN(nanos) || Number.isNaN(offset) || json.bytes[json.pos] !== Byte.QUOTE) {
    readUnescaped(json, start, TIMESTAMP, (plain) => {
      parseTimestamp(plain, wire);
    });
    return;
  }
  json.pos++;
  const seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS)
    throw json.refusal(start, "a time in the years 0001 to 9999");
  writeSecondsAndNanos(wire, seconds, nanos);
}

/** Reads `3s`, `-1.25s`; writes seconds and nanos, both with the sign. */
export function readDuration(state: ReadState): void {
  parseDuration(state.json, state.wire);
}

function parseDuration(json: JsonSource, wire: ByteSink): void {
  const start = json.pos;
  const text = json.bytes;
  if (text[start] !== Byte.QUOTE) throw json.unexpected(DURATION);
  const sign = text[start + 1] === Byte.MINUS ? -1 : 1;
  let pos = sign < 0 ? start + 2 : start + 1;
  const first = pos;
  let seconds = 0;
  for (let byte = text[pos] ?? 0; byte >= 0x30 && byte <= 0x39; byte = text[++pos] ?? 0) {
    if (seconds <= MAX_DURATION_SECONDS) seconds = seconds * 10 + byte - 0x30;
  }
  json.pos = pos;
  const nanos = fraction(json, sign);
  const isComplete = text[json.pos] === 0x73 && text[json.pos + 1] === Byte.QUOTE;
  if (pos === first || Number.isNaN(nanos) || !isComplete) {
    readUnescaped(json, start, DURATION, (plain) => {
      parseDuration(plain, wire);
    });
    return;
  }
  json.pos += 2;
  if (seconds > MAX_DURATION_SECONDS)
    throw json.refusal(start, `a duration of at most ${MAX_DURATION_SECONDS} seconds`);
  writeSecondsAndNanos(wire, sign * seconds, nanos);
}

/** Reads `user.displayName,photo`; writes one path (`user.display_name`) for each part. */
export function readFieldMask(state: ReadState): void {
  const { json, wire, scratch } = state;
  const start = json.pos;
  const expected = 'a field mask of camel-case paths ("user.displayName,photo")';
  if (json.bytes[start] !== Byte.QUOTE) throw json.unexpected(expected);
  copyStringTo(scratch, json);
  const text = scratch.bytes;
  const end = scratch.length;
  if (end === 0) return;
  let from = 0;
  let nameFrom = 0;
  for (let at = 0; at <= end; at++) {
    const byte = at < end ? text[at] : Byte.COMMA;
    if (byte === Byte.COMMA || byte === Byte.DOT) {
      // A path is names with dots between, and none of them is empty.
      if (at === nameFrom) throw json.refusal(start, expected);
      nameFrom = at + 1;
    }
    if (byte !== Byte.COMMA) {
      if (byte === 0x5f) throw json.refusal(start, expected);
      continue;
    }
    wire.ensure((at - from) * 2 + VALUE_ROOM);
    wire.byte(0x0a);
    const content = wire.open();
    for (; from < at; from++) {
      const byte = text[from] ?? 0;
      const isUpper = byte >= 0x41 && byte <= 0x5a;
      if (isUpper) wire.byte(0x5f);
      wire.byte(isUpper ? byte | 0x20 : byte);
    }
    wire.close(content);
    from = at + 1;
  }
}

/** Writes fields 1 (int64 seconds) and 2 (int32 nanos), without zeros. */
function writeSecondsAndNanos(wire: ByteSink, seconds: number, nanos: number): void {
  wire.ensure(VALUE_ROOM);
  if (seconds !== 0) {
    wire.byte(0x08);
    wire.varint64(seconds >>> 0, Math.floor(seconds / TWO_32) >>> 0);
  }
  if (nanos !== 0) {
    wire.byte(0x10);
    wire.int32(nanos);
  }
}

/** `count` decimal digits, or NaN. */
function digits(text: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = 0; index < count; index++) {
    const byte = text[at + index] ?? 0;
    if (byte < 0x30 || byte > 0x39) return Number.NaN;
    value = value * 10 + byte - 0x30;
  }
  return value;
}

/** Consumes `.` and one to nine digits, if there; the nanoseconds they mean, or NaN. */
function fraction(json: JsonSource, sign: number): number {
  if (json.bytes[json.pos] !== Byte.DOT) return 0;
  let count = 0;
  let value = 0;
  json.pos++;
  for (
    let byte = json.bytes[json.pos] ?? 0;
    byte >= 0x30 && byte <= 0x39;
    byte = json.bytes[++json.pos] ?? 0
  ) {
    if (++count > 9) return Number.NaN;
    value = value * 10 + byte - 0x30;
  }
  if (count === 0) return Number.NaN;
  for (; count < 9; count++) value *= 10;
  return value === 0 ? 0 : sign * value;
}

/** Consumes `Z` or `+hh:mm`; the offset in seconds, or NaN. */
function zoneSeconds(json: JsonSource): number {
  const { bytes, pos } = json;
  const sign = bytes[pos];
  if (sign === 0x5a) {
    json.pos = pos + 1;
    return 0;
  }
  const hours = digits(bytes, pos + 1, 2);
  const minutes = digits(bytes, pos + 4, 2);
  const isZone = (sign === 0x2b || sign === Byte.MINUS) && bytes[pos + 3] === Byte.COLON;
  if (!isZone || !(hours < 24 && minutes < 60)) return Number.NaN;
  json.pos = pos + 6;
  return (hours * 3600 + minutes * 60) * (sign === Byte.MINUS ? -1 : 1);
}
