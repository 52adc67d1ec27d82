// A key presses the button or link that names it in data-hotkey. Once a page: a second press while
// the next page loads is not for it.

let isPressed = false;

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isPressed) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  const key = event.key.toLowerCase();
  if (!/^[a-z0-9]$/.test(key)) return;
  const pressed = document.querySelector(`[data-hotkey="${key}"]`);
  if (!pressed) return;
  event.preventDefault();
  isPressed = true;
  pressed.click();
});

addEventListener("pageshow", () => { isPressed = false; });
