// The words of these scripts in the reader's language, as the page brought them along.
const brought = document.getElementById("words");
const known = brought ? JSON.parse(brought.textContent) : {};

/** Say it in the reader's language; `{name}` stands for a value. */
export function say(words, values = {}) {
  return (known[words] ?? words).replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole);
}
