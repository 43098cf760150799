namespace Mpi.Cli.Tests;

/// <summary>docs/compatibility-tests.md: each unit and integration test of kubeflow/mpi-operator v0.8.2 has its counterpart here, and every test named there exists.</summary>
public sealed class CounterpartTests
{
    private static readonly string[] Page = Repository.Page("docs/compatibility-tests.md");

    /// <summary>The tests of pkg/controller, pkg/apis and test/integration, by their names.</summary>
    private static readonly string[] Theirs =
    [
        "TestDoNothingWithInvalidKey", "TestDoNothingWithNonexistentMPIJob", "TestDoNothingWithInvalidMPIJob", "TestDoNothingWithMPIJobManagedExternally", "TestAllResourcesCreated",
        "TestLauncherNotControlledByUs", "TestLauncherSucceeded", "TestLauncherSucceededWithRunningPod", "TestLauncherFailed", "TestConfigMapNotControlledByUs",
        "TestWorkerServiceNotControlledByUs", "TestLauncherServiceNotControlledByUs", "TestSecretNotControlledByUs", "TestWorkerNotControlledByUs", "TestShutdownWorker",
        "TestCreateSuspendedMPIJob", "TestSuspendedRunningMPIJob", "TestResumeMPIJob", "TestUnsuspendLauncherUpdateFailureDoesNotPoisonCache", "TestResumeMPIJobWithExistingLauncher",
        "TestResumeMPIJobClearsStartTime", "TestLauncherActiveWorkerNotReady", "TestLauncherActiveWorkerReady", "TestWorkerReady", "TestNewLauncherAndWorker", "TestNewConfigMap",
        "TestUpdateDiscoverHostsInConfigMap", "TestNewPodGroup", "TestCalcPriorityClassName", "TestDecoratePodTemplateSpec", "TestCalculatePGMinResources", "TestAddResources",
        "TestCalculateMinAvailable", "TestReplicasOrder", "TestValidateMPIJob", "TestSetDefaults_MPIJob",
        "TestMPIJobSuccess", "TestMPIJobWaitWorkers", "TestMPIJobResumingAndSuspending", "TestMPIJobFailure", "TestMPIJobWithSchedulerPlugins", "TestMPIJobWithVolcanoScheduler",
        "TestMPIJobManagedExternally",
    ];

    [Fact]
    public void Each_test_of_the_old_operator_has_one_row_that_names_its_counterpart() => Assert.All(Theirs, static theirs =>
    {
        var row = Assert.Single(Page, line => line.StartsWith($"| {theirs} |", StringComparison.Ordinal));
        Assert.NotEmpty(Repository.TestsNamedIn(row));
    });

    [Fact]
    public void Every_test_that_the_page_names_exists() =>
        Assert.DoesNotContain(Page.SelectMany(Repository.TestsNamedIn), static name => !Repository.Tests.Contains(name));
}
