/**
 * Well-known types whose JSON is one string: Timestamp, Duration, FieldMask.
 * Source: google/protobuf/timestamp.proto, duration.proto, field_mask.proto ("JSON Mapping").
 */

import { isUtf8 } from "node:buffer";
import {
  dateOfDays,
  MAX_DURATION_SECONDS,
  MAX_TIMESTAMP_SECONDS,
  MIN_TIMESTAMP_SECONDS,
} from "../text/civil-time.ts";
import { type ByteSink, VALUE_ROOM } from "./byte-sink.ts";
import { writeDigits, writeInteger } from "./write-number.ts";
import type { WriteState } from "./write-state.ts";

const TWO_32 = 4294967296;
const QUOTE = 0x22;
const MAX_NANOS = 999_999_999;

/** Writes the Timestamp from the cursor to `wire.end`, in UTC, with 0, 3, 6 or 9 digits of a second. */
export function writeTimestamp(state: WriteState): void {
  const { wire, json } = state;
  const { seconds, nanos } = secondsAndNanos(state);
  if (seconds < MIN_TIMESTAMP_SECONDS || seconds > MAX_TIMESTAMP_SECONDS)
    throw wire.withoutJson("a Timestamp is not in the years 0001 to 9999");
  if (nanos < 0 || nanos > MAX_NANOS) throw wire.withoutJson("the nanos of a Timestamp are out of range");
  json.ensure(VALUE_ROOM);
  const days = Math.floor(seconds / 86400);
  const date = dateOfDays(days);
  const ofDay = seconds - days * 86400;
  json.byte(QUOTE);
  writeDigits(json, date / 10000, 4);
  json.byte(0x2d);
  writeDigits(json, (date / 100) % 100, 2);
  json.byte(0x2d);
  writeDigits(json, date % 100, 2);
  json.byte(0x54);
  writeDigits(json, ofDay / 3600, 2);
  json.byte(0x3a);
  writeDigits(json, (ofDay / 60) % 60, 2);
  json.byte(0x3a);
  writeDigits(json, ofDay % 60, 2);
  writeFraction(json, nanos);
  json.byte(0x5a);
  json.byte(QUOTE);
}

/** Writes the Duration from the cursor to `wire.end` in seconds, with 0, 3, 6 or 9 digits of a second. */
export function writeDuration(state: WriteState): void {
  const { wire, json } = state;
  const { seconds, nanos } = secondsAndNanos(state);
  if (Math.abs(seconds) > MAX_DURATION_SECONDS || Math.abs(nanos) > MAX_NANOS)
    throw wire.withoutJson("a Duration is out of range");
  if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0))
    throw wire.withoutJson("seconds and nanos of a Duration differ in sign");
  json.ensure(VALUE_ROOM);
  json.byte(QUOTE);
  if (seconds < 0 || nanos < 0) json.byte(0x2d);
  writeInteger(json, Math.abs(seconds));
  writeFraction(json, Math.abs(nanos));
  json.byte(0x73);
  json.byte(QUOTE);
}

/** Writes the FieldMask from the cursor to `wire.end`: its paths in camel case, with commas between. */
export function writeFieldMask(state: WriteState): void {
  const { wire, json } = state;
  const parts: string[] = [];
  while (wire.pos < wire.end) {
    const tag = wire.tag();
    if (tag !== 0x0a) {
      wire.skip(tag, state.maxDepth - state.depth);
      continue;
    }
    const end = wire.lengthEnd();
    if (!isUtf8(wire.bytes.subarray(wire.pos, end))) throw wire.broken("a string is not UTF-8");
    const path = wire.bytes.toString("utf8", wire.pos, end);
    // A path that does not come back the same would name another field.
    if (/[A-Z]|_(?![a-z])/.test(path)) throw wire.withoutJson("a path of a FieldMask has no camel case");
    parts.push(path.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()));
    wire.pos = end;
  }
  json.append(Buffer.from(JSON.stringify(parts.join(",")), "utf8"));
}

/** Fields 1 (int64 seconds) and 2 (int32 nanos); the last of each counts. */
function secondsAndNanos(state: WriteState): { readonly seconds: number; readonly nanos: number } {
  const { wire } = state;
  let seconds = 0;
  let nanos = 0;
  while (wire.pos < wire.end) {
    const tag = wire.tag();
    if (tag === 0x08) {
      wire.varint64();
      // Beyond 2^53 it is rounded, and out of range all the same.
      seconds = (wire.high | 0) * TWO_32 + wire.low;
    } else if (tag === 0x10) nanos = wire.varint() | 0;
    else wire.skip(tag, state.maxDepth - state.depth);
  }
  return { seconds, nanos };
}

function writeFraction(json: ByteSink, nanos: number): void {
  if (nanos === 0) return;
  json.byte(0x2e);
  if (nanos % 1_000_000 === 0) writeDigits(json, nanos / 1_000_000, 3);
  else if (nanos % 1000 === 0) writeDigits(json, nanos / 1000, 6);
  else writeDigits(json, nanos, 9);
}
