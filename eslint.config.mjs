import tseslint from 'typescript-eslint';

const timers = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
  'performance',
];

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', 'node_modules/**', 'docs/api/**', 'test/fixtures/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      // One that extends a single type gives it a name, which declarations keep and an alias loses.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      eqeqeq: ['error', 'always'],
    },
  },
  {
    // The command line and the served device are programs of their own, in which nobody fakes the time.
    files: ['src/**/*.ts'],
    ignores: ['src/base/timers.ts', 'src/cli/**', 'src/pooldev/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...timers.map((name) => ({
          name,
          message: 'import it from src/base/timers.ts: test runners fake the global one',
        })),
      ],
      'no-restricted-properties': [
        'error',
        ...['nextTick', 'hrtime'].map((property) => ({
          object: 'process',
          property,
          message: 'import it from src/base/timers.ts: test runners fake the property',
        })),
      ],
    },
  },
  {
    files: ['src/poolnode/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.name='Number'][arguments.0.name=/[sS]eq/]",
          message: 'a sequence number is 64 bits wide: keep it a bigint',
        },
      ],
    },
  },
);
