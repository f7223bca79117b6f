// Steps are TypeScript: scripts/features.mjs runs cucumber-js with `--import tsx`, so that --parallel works as well.
// Files that are named on the command line come instead of all: cucumber-js would run both.
const named = process.argv.slice(2).some((argument) => /\.feature(:\d+)*$/.test(argument));

export default {
  ...(named ? {} : { paths: ['features/*.feature'] }),
  import: ['features/support/**/*.ts', 'features/steps/**/*.ts'],
  strict: true,
  format: ['summary'],
  publish: false,
};
