namespace EndToEnd;

/// <summary>Jobs in kubeflow's old versions, as their users have them: real Open MPI, ranks counted by host, and the commands of the documents that they came with.</summary>
[Collection("this machine")]
public sealed class OldVersionRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("kubeflow-v1/job.yaml", "pi-v1", 2, 2)]
    [InlineData("kubeflow-v1alpha2/job.yaml", "pi-v1alpha2", 2, 2)]
    public async Task A_job_of_an_old_version_computes_pi_on_its_workers(string example, string job, int workers, int ranksEach)
    {
        var result = await Kubempi.RunAsync("run", $"examples/{example}");

        result.ShouldEndWith(0);
        ShouldHaveRanks(result, job, workers, ranksEach);
        Assert.Contains("pi is approximately 3.14159265", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task And_so_does_one_of_the_current_version_over_ssh()
    {
        var result = await Kubempi.RunAsync("run", "examples/kubeflow-v2beta1/job.yaml");

        result.ShouldEndWith(0);
        ShouldHaveRanks(result, "pi-v2beta1", 2, 2);
        Assert.Contains("pi is approximately 3.14159265", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("job.yaml", "bench-16", 2, 8)]
    [InlineData("replicas.yaml", "bench-16-replicas", 4, 4)]
    public async Task Sixteen_GPUs_make_sixteen_ranks_however_they_are_asked_for(string example, string job, int workers, int ranksEach)
    {
        var result = await Kubempi.RunAsync("run", $"examples/kubeflow-v1alpha1/{example}");

        result.ShouldEndWith(0);
        ShouldHaveRanks(result, job, workers, ranksEach);
        Assert.Contains("total steps/sec:", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_documented_job_of_v1alpha2_runs_and_its_users_commands_show_what_they_showed()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);

        await house.ShellAsync("kubectl apply -f examples/kubeflow-v1alpha2/tensorflow-mnist.yaml");
        await house.ShellAsync("until kubectl logs $(kubectl get pods -l mpi_job_name=tensorflow-mnist,mpi_role_type=launcher -o name) >/dev/null 2>&1; do sleep 0.1; done");
        // To attach is refused until the container runs; then it shows all that follows.
        const string Podname = "PODNAME=$(kubectl get pods -l mpi_job_name=tensorflow-mnist,mpi_role_type=launcher -o name)";
        var attached = house.ShellAsync($"{Podname}; until kubectl attach ${{PODNAME}}; do sleep 0.2; done");
        var log = await house.ShellAsync($"{Podname}; kubectl logs -f ${{PODNAME}}");
        Assert.Contains("step 100", await attached, StringComparison.Ordinal);
        Assert.Contains("rank 0 of 2 on tensorflow-mnist-worker-0", log, StringComparison.Ordinal);
        Assert.Contains("rank 1 of 2 on tensorflow-mnist-worker-0", log, StringComparison.Ordinal);
        Assert.Contains("step 100", log, StringComparison.Ordinal);

        await house.ShellAsync("kubectl wait --for=condition=Succeeded --timeout=60s mpijobs tensorflow-mnist");
        // kubectl asks for the newest version; the document's is asked for by its name.
        var newest = await house.ShellAsync("kubectl get -o yaml mpijobs tensorflow-mnist");
        var documented = await house.ShellAsync("kubectl get -o yaml mpijobs.v1alpha2.kubeflow.org tensorflow-mnist");
        Assert.Contains("apiVersion: kubeflow.org/v1alpha2\n", documented, StringComparison.Ordinal);
        Assert.Contains("request:\n", documented, StringComparison.Ordinal);
        foreach (var shown in (string[])[newest, documented])
        {
            Assert.Contains("  replicaStatuses:\n    Launcher:\n      succeeded: 1\n    Worker: {}\n", shown, StringComparison.Ordinal);
            foreach (var time in (string[])["startTime", "completionTime"]) Assert.Matches($"\n  {time}: \"[0-9TZ:-]+\"\n", shown);
            Assert.Equal(
                ["MPIJobCreated True Created", "MPIJobRunning False Running", "MPIJobSucceeded True Succeeded"],
                shown.Split("  - lastTransitionTime: ").Skip(1).Select(static c => string.Join(' ', Lines(c, "reason", "status", "type"))));
            Assert.Contains("message: MPIJob default/tensorflow-mnist is created.\n", shown, StringComparison.Ordinal);
            Assert.Contains("message: MPIJob default/tensorflow-mnist is running.\n", shown, StringComparison.Ordinal);
            Assert.Contains("message: MPIJob default/tensorflow-mnist successfully completed.\n", shown, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task What_render_prints_run_runs(string generation)
    {
        var rendered = await Kubempi.RunAsync("render", "mpi-job-simple", "bench", "--gpus", "4", "--generation", generation, "--command", "sh,-c,mpirun --allow-run-as-root sh -c 'echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE on $(hostname)'");
        rendered.ShouldEndWith(0);

        var result = await Kubempi.RunPipedAsync(rendered.Output, "run", "-");
        result.ShouldEndWith(0);
        result.ShouldHaveRanksOn(4, "bench-worker-0");
        // One text in the first generation, which is told; the words in the second.
        if (generation == "1") Assert.Contains("is one text", result.Error, StringComparison.Ordinal);
        else Assert.DoesNotContain("is one text", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", "")]
    [InlineData("2", "--pvcName data --volumeMountPath /data")]
    public async Task And_what_it_prints_by_the_number_of_workers(string generation, string volume)
    {
        // What the ranks write, each on its worker, the launcher reads: on the claim where there is one.
        var place = volume.Length > 0 ? "/data" : "/tmp";
        string[] asked =
        [
            "render", "mpi-job-custom", "bench", "--replicas", "2", "--gpusPerReplica", "2", "--generation", generation, .. volume.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            "--command", $"sh,-c,mpirun --allow-run-as-root sh -c 'echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE on $(hostname) | tee {place}/rank-$OMPI_COMM_WORLD_RANK'; echo files: {place}/rank-*",
        ];
        var rendered = await Kubempi.RunAsync(asked);
        rendered.ShouldEndWith(0);

        var claim = volume.Length > 0 ? "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}}\n---\n" : "";
        var result = await Kubempi.RunPipedAsync(claim + rendered.Output, "run", "-");
        result.ShouldEndWith(0);
        ShouldHaveRanks(result, "bench", 2, 2);
        Assert.Contains(volume.Length > 0 ? "files: /data/rank-0 /data/rank-1 /data/rank-2 /data/rank-3\n" : "files: /tmp/rank-*\n", result.Output.Replace("\r", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_shows_in_every_version_what_its_author_wrote_in_one()
    {
        await using var house = new Household(Patience);
        (await house.RunAsync("up")).ShouldEndWith(0);

        await house.ShellAsync("kubectl apply -f examples/kubeflow-v1alpha1/job.yaml");
        Assert.Equal("16", await house.ShellAsync("kubectl get mpijobs.v1alpha1.kubeflow.org bench-16 -o jsonpath={.spec.gpus}"));
        Assert.Equal("2 8", await house.ShellAsync("kubectl get mpijobs.v1.kubeflow.org bench-16 -o jsonpath='{.spec.mpiReplicaSpecs.Worker.replicas} {.spec.slotsPerWorker}'"));
        Assert.Equal("v1alpha1", await house.ShellAsync("kubectl get mpijobs.v2beta1.kubeflow.org bench-16 -o jsonpath='{.metadata.annotations.kubempi\\.dev/origin}'"));
        await house.ShellAsync("kubectl wait --for=condition=Succeeded --timeout=180s mpijobs bench-16");
        Assert.Equal("Succeeded", await house.ShellAsync("kubectl get mpijobs.v1alpha1.kubeflow.org bench-16 -o jsonpath={.status.launcherStatus}"));
        await house.ShellAsync("kubectl apply -f examples/kubeflow-v1alpha1/job.yaml | grep unchanged");
    }

    private static void ShouldHaveRanks(KubempiResult result, string job, int workers, int ranksEach)
    {
        var ranks = Enumerable.Range(0, workers * ranksEach).Select(r => $"rank {r} of {workers * ranksEach} on {job}-worker-{r / ranksEach}").ToList();
        Assert.All(ranks, rank => Assert.Contains(rank + "\n", result.Output.Replace("\r", "", StringComparison.Ordinal), StringComparison.Ordinal));
        result.ShouldHaveRanksOn(workers * ranksEach, [.. Enumerable.Range(0, workers).Select(w => $"{job}-worker-{w}")]);
    }

    private static IEnumerable<string> Lines(string condition, params string[] members) =>
        members.Select(m => condition.Split('\n').Select(static l => l.Trim()).First(l => l.StartsWith(m + ": ", StringComparison.Ordinal))[(m.Length + 2)..].Trim('"'));
}
