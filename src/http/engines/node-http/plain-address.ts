/** An address without the prefix of IPv4 addresses on a dual-stack socket. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
