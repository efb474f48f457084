// Reads rows that were copied from a spreadsheet: which file, and what is true of it alone.
import { say } from "./words.js";

/** Return the cells of each row: tabs between them, or semicolons or commas where there is no tab. */
export function cellsOf(text) {
  const [first] = text.split("\n", 1);
  const between = ["\t", ";", ","].find((one) => first.includes(one)) ?? "\t";
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i];
    const row = rows.at(-1);
    if (quoted && sign === '"' && text[i + 1] === '"') { row[row.length - 1] += '"'; i += 1; }
    else if (sign === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (!quoted && sign === between) row.push("");
    else if (!quoted && sign === "\n") rows.push([""]);
    else if (quoted || sign !== "\r") row[row.length - 1] += sign;
  }
  return rows.map((row) => row.map((cell) => cell.trim())).filter((row) => row.some(Boolean));
}

const plain = (words) => words.trim().toLocaleLowerCase();

/**
 * Return {file name: {field: value}} of what was pasted, or what is wrong with it.
 *
 * `columns` names each field with the words that a column may be called by; `choices` names, for a
 * field that takes some values alone, each value with its words.
 */
export function read(text, { columns, choices, files }) {
  const wrong = [];
  const [head = [], ...rows] = cellsOf(text);
  const fields = head.map((cell) => Object.keys(columns).find((name) => columns[name].some((word) => plain(word) === plain(cell))));
  head.forEach((cell, at) => { if (!fields[at]) wrong.push(say("There is no column called “{name}”.", { name: cell })); });
  if (!fields.includes("file")) wrong.push(say("The first row must name the columns, one of them “file”."));
  if (!rows.length) wrong.push(say("There is no row below the names of the columns."));
  const found = new Map();
  if (wrong.length) return { wrong, found };
  rows.forEach((row, number) => {
    const line = number + 2;
    const said = {};
    fields.forEach((name, at) => { if (row[at]) said[name] = row[at]; });
    if (row.length > fields.length) wrong.push(say("Line {line}: more cells than columns.", { line }));
    const name = said.file ?? "";
    delete said.file;
    const held = files(name);
    if (held.length !== 1) {
      wrong.push(held.length
        ? say("Line {line}: several chosen files are called “{name}”; give its folder, too.", { line, name })
        : say("Line {line}: no chosen file is called “{name}”.", { line, name }));
      return;
    }
    for (const [field, value] of Object.entries(said)) {
      const known = choices[field];
      if (!known) continue;
      const chosen = Object.keys(known).find((one) => [one, known[one]].some((word) => plain(word) === plain(value)));
      if (chosen === undefined) wrong.push(say("Line {line}: “{value}” is no choice for “{name}”.", { line, value, name: columns[field][0] }));
      else said[field] = chosen;
    }
    if (found.has(held[0])) wrong.push(say("Line {line}: “{name}” has a line already.", { line, name }));
    found.set(held[0], said);
  });
  return { wrong, found };
}
