/** The part of snappyjs that the agent uses; the package brings no types. */
declare module "snappyjs" {
  /** One block of the raw format, never the framed one. */
  export function compress(bytes: Uint8Array): Uint8Array;
  /** Throws for a block that is damaged or longer than `maxLength` bytes. */
  export function uncompress(block: Uint8Array, maxLength?: number): Uint8Array;
}

declare module "snappyjs/snappy_compressor.js" {
  export class SnappyCompressor {
    constructor(bytes: Uint8Array);
    maxCompressedLength(): number;
    /** Returns how many bytes of the room it took. */
    compressToBuffer(room: Uint8Array): number;
  }
}
