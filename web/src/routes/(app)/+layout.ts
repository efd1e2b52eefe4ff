// What is private is drawn in the browser: the server renders no page with anybody's data in it.
export const ssr = false;
