// Lets a file be dropped on the form that asks for one; the form sends it as if it had been chosen.
for (const input of document.querySelectorAll("input[type=file][data-drop]")) {
  const { form } = input;
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) {
      form.classList.remove("over");
    }
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length === 1) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      form.requestSubmit();
    }
  });
}
