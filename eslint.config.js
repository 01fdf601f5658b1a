import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

export default ts.config(
  {
    ignores: [
      '**/build/',
      '**/.svelte-kit/',
      '**/.wrangler/',
      '.parley/',
      '**/test-results/',
      '**/playwright-report/',
      '**/worker-configuration.d.ts',
    ],
  },
  js.configs.recommended,
  ts.configs.strict,
  svelte.configs.recommended,
  prettier,
  svelte.configs.prettier,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // TypeScript knows the globals better.
      'no-undef': 'off',
    },
  },
  {
    files: [
      'scripts/**/*.ts',
      'bench/{,peers/}*.ts',
      'spikes/**/*',
      'apps/signaling/{build,src/node/main}.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      // Parley is served from the root of its origin.
      'svelte/no-navigation-without-resolve': 'off',
      // What is reactive says so with $state; a Map or URL that is not, is not by mistake.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
);
