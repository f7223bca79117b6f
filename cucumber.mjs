// Steps are TypeScript: scripts/features.mjs runs cucumber-js with `--import tsx`, so that --parallel works as well.
export default {
  paths: ['features/*.feature'],
  import: ['features/support/**/*.ts', 'features/steps/**/*.ts'],
  strict: true,
  format: ['summary'],
  publish: false,
};
