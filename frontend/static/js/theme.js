// Loaded before anything is painted, so that a chosen theme does not flash the other one.
// A classic script: modules run too late for this.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
