// Adds rows to the forms of a page that has several of one kind. Without it there are a few.

for (const button of document.querySelectorAll("[data-add]")) {
  const rows = document.querySelector(`.repeat[data-prefix="${button.dataset.add}"]`);
  const total = document.getElementById(`id_${button.dataset.add}-TOTAL_FORMS`);
  const most = Number(document.getElementById(`id_${button.dataset.add}-MAX_NUM_FORMS`).value);
  const template = rows.querySelector("template");
  button.hidden = false;
  button.addEventListener("click", () => {
    const number = Number(total.value);
    if (number >= most) {
      button.hidden = true;
      return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", String(number));
    const row = holder.content.firstElementChild;
    row.querySelector("[data-number]")?.append(String(number + 1));
    rows.insertBefore(row, template);
    total.value = String(number + 1);
    row.querySelector("input, textarea, select").focus();
  });
}
