/** Whether single keys do something on the trading page: who types by voice switches them off. */
const KEPT = 'rialto.shortcuts';

export function areShortcutsOn(): boolean {
  return localStorage.getItem(KEPT) !== 'off';
}

export function keepShortcuts(isOn: boolean): void {
  localStorage.setItem(KEPT, isOn ? 'on' : 'off');
}
