/** Keys 1–7 (and the numeric pad's) press the buttons of a form with `data-keys`. */

const form = document.querySelector("form[data-keys]");

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = /^[1-7]$/.test(event.key) ? form.querySelector(`[data-key="${event.key}"]`) : null;
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});

// One answer for one face: a second press while the next one loads is not for it.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
