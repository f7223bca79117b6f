import { requireDependency } from '../../base/package-files.js';
import { tsRef, type RefModule } from './ref-types.js';

/**
 * ref-napi where it can be loaded, else the types in TypeScript. It is an optional dependency with binaries for a few
 * platforms (none for musl and arm64 macOS), and none of the layouts depends on which of the two stands below them.
 */
export function loadRef(load: (name: string) => unknown = requireDependency): {
  ref: RefModule;
  name: 'ref-napi' | 'typescript';
} {
  try {
    return { ref: load('ref-napi') as RefModule, name: 'ref-napi' };
  } catch {
    return { ref: tsRef, name: 'typescript' };
  }
}
