/** Lines as SVG paths: drawn on the server, readable without a script. */
export function pathOf(values: number[], width: number, height: number, pad = 1): string {
  if (values.length < 2) return '';
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const step = width / (values.length - 1);
  return values
    .map((value, place) => {
      const y = pad + (1 - (value - low) / span) * (height - 2 * pad);
      return `${place === 0 ? 'M' : 'L'}${(place * step).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}

export function areaOf(values: number[], width: number, height: number, pad = 1): string {
  const line = pathOf(values, width, height, pad);
  return line === '' ? '' : `${line}L${width} ${height}L0 ${height}Z`;
}
