/** The little Markdown that descriptions hold: paragraphs and code. All else stays as it is written. */
export interface Piece {
  text: string;
  isCode: boolean;
}

const CODE = /`([^`]+)`/;

/** Blank lines part paragraphs; other line ends are only where the source was wrapped. */
export function paragraphs(text: string): Piece[][] {
  return text
    .split(/\n\s*\n/)
    .map((each) => pieces(each.replace(/\s+/g, ' ').trim()))
    .filter((each) => each.length > 0);
}

/** What stands between two backticks is code; a backtick alone is a backtick. */
export function pieces(line: string): Piece[] {
  return line
    .split(CODE) // Every second part is what the group of the expression took.
    .map((text, place) => ({ text, isCode: place % 2 === 1 }))
    .filter((each) => each.text !== '');
}
