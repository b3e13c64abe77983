// Small things of every page: buttons that lead to a field or show a form, Escape that leaves it, menus that close.

export function listenToPage() {
  document.addEventListener("click", (event) => {
    const focuser = event.target.closest?.("[data-focus]");
    if (focuser) {
      const target = document.querySelector(focuser.dataset.focus);
      target?.scrollIntoView({ block: "nearest" });
      target?.focus();
    }
    const toggler = event.target.closest?.("[data-toggles]");
    if (toggler) toggle(toggler);
    closeMenus(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    closeMenus(null);
    if (document.activeElement?.matches?.("input, textarea, select") && !document.querySelector("dialog[open]")) document.activeElement.blur();
  });
}

/** <button data-toggles="id" aria-expanded="false"> shows and hides a form; shown, its first field has the keys. */
function toggle(button) {
  const form = document.getElementById(button.dataset.toggles);
  form.hidden = !form.hidden;
  button.setAttribute("aria-expanded", String(!form.hidden));
  if (!form.hidden) form.querySelector("input:not([type=hidden]), select")?.focus();
}

function closeMenus(target) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (target && menu.contains(target)) continue;
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus && !target) menu.querySelector("summary").focus();
  }
}
