namespace EndToEnd;

/// <summary>Jobs of skatelescope.org/v1, with real Open MPI: the manifests and the commands of the old operator's Makefile, unchanged.</summary>
[Collection("this machine")]
public sealed class MetacontrollerTests
{
    private const string Launcher = "-l job-name=mpioperator-test-mpi-launcher";

    [Fact]
    public async Task Every_slot_of_every_worker_gets_a_rank_and_neither_ssh_nor_kubectl_is_ever_started()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/metacontroller/job.yaml"));
        await using var recording = new ProcessRecording();
        var result = await Kubempi.RunTextAsync(manifest.Replace("  daemon: true\n", "", StringComparison.Ordinal));
        var started = await recording.EndAsync();

        result.ShouldEndWith(0);
        Assert.Equal(
            Enumerable.Range(0, 8).Select(static rank => $"mpioperator-hello-worker-{rank / 2}"),
            result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l.StartsWith("mpioperator-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("mpiexec", started);
        Assert.Empty(started.Intersect(["ssh", "sshd", "ssh-keygen", "kubectl", "rsh"]));
    }

    [Fact]
    public async Task Over_exec_the_ranks_run_on_the_same_workers()
    {
        var manifest = await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/metacontroller/job.yaml"));
        var result = await Kubempi.RunTextAsync(manifest.Replace("  daemon: true\n", "", StringComparison.Ordinal).Replace("  annotations:\n", "  annotations:\n    kubempi.dev/transport: exec\n", StringComparison.Ordinal));

        result.ShouldEndWith(0);
        Assert.Equal(8, result.Output.Split('\n').Count(static l => l.StartsWith("mpioperator-hello-worker-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task On_one_node_the_example_runs_in_the_one_worker_that_has_it()
    {
        var result = await Kubempi.RunAsync("run", "examples/metacontroller/job.yaml");

        result.ShouldEndWith(0);
        var hosts = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(static l => l.StartsWith("mpioperator-", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, hosts.Count);
        Assert.Single(hosts.Distinct());
    }

    [Fact]
    public async Task The_Makefiles_commands_do_what_they_did()
    {
        await using var house = new Household(TimeSpan.FromMinutes(15));
        (await house.RunAsync("up")).ShouldEndWith(0);

        // make test, test-results
        await KubectlAsync(house, "apply -f examples/metacontroller/mpi-test-replicas.yaml");
        await KubectlAsync(house, "wait --for=jsonpath={.status.job.state}=Finished mpijobs.skatelescope.org/test-mpi --timeout=5m");
        var pod = await CompletedAsync(house);
        var log = await KubectlAsync(house, $"logs {pod}");
        Assert.Equal(2, log.Split('\n').Count(static l => l.Trim() == "laptop:hello"));
        foreach (var worker in new[] { "mpioperator-test-mpi-worker-0", "mpioperator-test-mpi-worker-1" }) Assert.Contains($"Data for node: {worker}", log, StringComparison.Ordinal);
        Assert.Equal("mpioperator-test-mpi-worker-0 slots=1\nmpioperator-test-mpi-worker-1 slots=1\n", await KubectlAsync(house, $"logs {pod} -c check-and-filter-cluster-pods"));
        Assert.Equal("2 2 2 Finished Complete succeeded", await StatusAsync(house));
        Assert.Equal("Running Running", await WorkersAsync(house));

        // make test-clean
        await KubectlAsync(house, "delete -f examples/metacontroller/mpi-test-replicas.yaml");
        await KubectlAsync(house, "wait --for=delete pod -l mpi_job_name=mpioperator-test-mpi --timeout=3m");

        // make test-daemons, on one node
        await KubectlAsync(house, "apply -f examples/metacontroller/mpi-test-daemons.yaml");
        await KubectlAsync(house, "wait --for=jsonpath={.status.job.state}=Finished mpijobs.skatelescope.org/test-mpi --timeout=8m");
        pod = await CompletedAsync(house);
        log = await KubectlAsync(house, $"logs {pod}");
        Assert.Equal(1, log.Split('\n').Count(static l => l.Trim() == "dragon.crocodile:hello"));
        Assert.Single((await KubectlAsync(house, $"logs {pod} -c check-and-filter-cluster-pods")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("2 2 1 Finished Complete succeeded", await StatusAsync(house));
        Assert.Equal("Pending Running", await WorkersAsync(house));
        Assert.Contains("there is no node for mpioperator-test-mpi-worker-", await KubectlAsync(house, "get events --field-selector=reason=WorkersLeftOut -o jsonpath={.items[*].message}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_whose_variables_were_not_replaced_is_told_so_and_not_that_a_type_is_wrong()
    {
        var raw = (await File.ReadAllTextAsync(Path.Combine(Kubempi.Root, "examples/metacontroller/mpi-test-replicas.yaml"))).Replace("replicas: 2", "replicas: ${REPLICAS}", StringComparison.Ordinal);

        var result = await Kubempi.RunTextAsync(raw);

        result.ShouldEndWith(2);
        Assert.Contains("spec.replicas: holds the variable ${REPLICAS}, which was not replaced", result.Error, StringComparison.Ordinal);
    }

    private static async Task<string> StatusAsync(Household house) => string.Join(' ', (await KubectlAsync(
        house, "get mpijobs.skatelescope.org test-mpi --no-headers -o custom-columns=A:.status.replicas,B:.status.currentReplicas,C:.status.readyReplicas,D:.status.job.state,E:.status.job.status,F:.status.job.success")).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));

    private static async Task<string> WorkersAsync(Household house) => string.Join(' ', (await KubectlAsync(
        house, "get pods -l mpi_job_role=mpioperator-test-mpi-worker --no-headers -o custom-columns=PHASE:.status.phase")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));

    /// <summary>As <c>make test-results</c> finds it.</summary>
    private static async Task<string> CompletedAsync(Household house) =>
        (await KubectlAsync(house, $"get pods {Launcher} --no-headers")).Split('\n').Single(static l => l.Contains("Completed", StringComparison.Ordinal)).Split(' ')[0];

    private static async Task<string> KubectlAsync(Household house, string arguments) => (await house.KubectlAsync(arguments.Split(' '))).Output;
}
