/** A map that keeps the entries used last and forgets the others. */

export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  /** The value under this key, made where there is none. */
  getOrMake(key: Key, make: () => Value): Value;
}

/**
 * @param most sum of the sizes of all entries; the entry used last stays, whatever its size
 * @param sizeOf without it every entry counts as one
 */
export function createBoundedMap<Key, Value>(
  most: number,
  sizeOf: (value: Value) => number = () => 1,
): BoundedMap<Key, Value> {
  const entries = new Map<Key, Value>();
  let size = 0;

  function remove(key: Key, value: Value): void {
    entries.delete(key);
    size -= sizeOf(value);
  }
  function set(key: Key, value: Value): void {
    const before = entries.get(key);
    if (before !== undefined) remove(key, before);
    entries.set(key, value);
    size += sizeOf(value);
    for (const [oldest, old] of entries) {
      if (size <= most || entries.size === 1) return;
      remove(oldest, old);
    }
  }
  function get(key: Key): Value | undefined {
    const value = entries.get(key);
    if (value !== undefined) set(key, value);
    return value;
  }

  return {
    get,
    set,
    getOrMake(key, make) {
      const known = get(key);
      if (known !== undefined) return known;
      const made = make();
      set(key, made);
      return made;
    },
  };
}
