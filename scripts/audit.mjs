// Asks the registry whether a package that users get with pool-ts has a known weakness, and fails on one. A registry that gives
// no answer (many mirrors don't) is reported, and is neither a failure nor a clean bill.
import { spawnSync } from 'node:child_process';

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
if (error !== undefined) throw error;

let report;
try {
  report = JSON.parse(stdout);
} catch {
  report = { message: 'no JSON' };
}

const found = report.metadata?.vulnerabilities;
if (found === undefined) {
  const reason = report.message ?? report.error?.summary ?? 'it did not say why';
  console.log(`npm audit: SKIPPED, the registry gave no answer: ${reason}`);
} else if (found.total === 0) {
  console.log(`npm audit: no known weakness in ${report.metadata.dependencies.prod} packages`);
} else {
  for (const { name, severity, range } of Object.values(report.vulnerabilities)) {
    console.error(`npm audit: ${name} ${range}: ${severity}`);
  }
  process.exitCode = 1;
}
