/** The element at `place`. Throws RangeError: where there is none, the bytes given are too short. */
export function at<T>(list: ArrayLike<T>, place: number): T {
  const found = list[place];
  if (found === undefined) throw new RangeError(`nothing at ${place}`);
  return found;
}
