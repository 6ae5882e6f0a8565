/** What Linux tells of a process: CPU time and memory. Source: proc(5). */
import { readFileSync } from "node:fs";

/** `sysconf(_SC_CLK_TCK)` is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;
/** Positions of utime and stime behind the name of the program, which may hold spaces. */
const UTIME = 11;
const STIME = 12;

/** CPU time of a process so far, user and system, all threads, in ms. @throws {Error} if there is no such process. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[UTIME]) + Number(fields[STIME])) * MS_PER_TICK;
}

/** Resident memory of a process, in MB of 2^20 bytes. @throws {Error} if there is no such process. */
export function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}

/** A figure of a process and of those that it has started, in all. */
export function inAll(pid: number, figure: (pid: number) => number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + figure(each), 0);
}

/** The processes that a process has started and that run. @throws {Error} if there is no such process. */
export function childrenOf(pid: number): readonly number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  return list === "" ? [] : list.split(" ").map(Number);
}
