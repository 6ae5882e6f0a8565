/** A view of `bytes` inside a larger memory: what stands around it must not be seen. */
export function bufferWithNoise(bytes: Uint8Array, noise: Uint8Array): Buffer {
  const around = Buffer.concat([noise, bytes, noise]);
  return around.subarray(noise.length, noise.length + bytes.length);
}
