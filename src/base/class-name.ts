/**
 * The bundler names a class that speaks of itself `_Name`, which is what Node would show of its instances. For classes that
 * programs see: called in the class's static block.
 */
export function keepName(whose: object, name: string): void {
  Object.defineProperty(whose, 'name', { value: name, configurable: true });
}
