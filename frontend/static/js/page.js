// What every page shares: theme switch, copy buttons, dialogs, questions before deeds, notices.
// Behaviour hangs on data attributes, by one listener each, so that parts which htmx swaps in work.

const THEMES = ["system", "light", "dark"];

/** @returns {string} the theme in force: "system", "light" or "dark" */
const theme = () => localStorage.getItem("theme") ?? "system";

/** Sets every theme switch to the theme in force. */
function showTheme() {
  const now = theme();
  if (now === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    for (const part of button.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== now;
  }
}

/** @param {Element} button */
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const done = button.querySelector("[data-copied]");
  const text = (source.value ?? source.textContent).trim();
  try {
    await navigator.clipboard.writeText(text);
    done.textContent = done.dataset.copied;
  } catch {
    // No clipboard outside https and localhost: select it, so that the keyboard can copy.
    getSelection().selectAllChildren(source);
    done.textContent = done.dataset.selected;
  }
}

/**
 * Asks before a form with `data-confirm` is sent; the form's own button names the deed.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
function ask(form, submitter) {
  const dialog = document.querySelector("#confirm");
  dialog.querySelector("[data-question]").textContent = form.dataset.confirm;
  dialog.querySelector("[value=yes]").textContent = (submitter ?? form).textContent.trim();
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
  }, { once: true });
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button, a");
  if (!button) return;
  if ("themeSwitch" in button.dataset) {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    if (next === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
    showTheme();
  }
  if (button.dataset.copy) copy(button);
  if (button.dataset.opens) document.querySelector(button.dataset.opens).showModal();
  if ("closes" in button.dataset) button.closest("dialog").close();
  if ("dismiss" in button.dataset) button.closest(".notice").remove();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.dataset.confirmed === "yes") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  ask(form, event.submitter);
}, { capture: true });

// A select in `.filters` with data-submits sends its form at once.
document.addEventListener("change", (event) => {
  if ("submits" in event.target.dataset) event.target.form.requestSubmit();
});

// An open menu closes when one presses elsewhere, or Escape.
document.addEventListener("pointerdown", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

showTheme();
