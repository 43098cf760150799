namespace Mpi.Dialects.Tests;

/// <summary>The rules of spec/cerit-sshd-image.md 6, one test a rule: what sets it off, what it says, and what must not set it off.</summary>
public sealed class ManifestAdviceTests
{
    private const string Command = "[mpirun, -n, \"2\", /home/mpiuser/pi]";
    private const string Sshd = "[/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]";
    private const string Launcher = "spec.mpiReplicaSpecs[Launcher].template.spec";
    private const string Worker = "spec.mpiReplicaSpecs[Worker].template.spec";

    [Theory]
    [InlineData("-n, \"4\"", "S02", "-n 4 asks for 4 ranks but 2 workers x 1 slot give 2; Open MPI will refuse to start")]
    [InlineData("--allow-run-as-root, -np, \"3\"", "S02", "-np 3 asks for 3 ranks but 2 workers x 1 slot give 2; Open MPI will refuse to start")]
    [InlineData("-n, \"1\"", "S03", "-n 1 uses 1 of 2 slots; some workers stay idle")]
    public void The_number_of_ranks_is_compared_with_the_slots(string options, string id, string message)
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With(Command, $"[mpirun, {options}, pi]")).Findings);
        Assert.Equal((FindingSeverity.Warning, id, message), (finding.Severity, finding.Id, finding.Message));
    }

    [Theory]
    [InlineData(Command, "[mpirun, --oversubscribe, -n, \"4\", pi]")]
    [InlineData(Command, "[sh, -c, \"mpirun -n 4 pi\"]")]
    [InlineData(Command, "[mpirun, pi, -n, \"4\"]")]
    [InlineData(Command, "[mpirun, --frobnicate, x, -n, \"4\", pi]")]
    [InlineData("slotsPerWorker: 1", "slotsPerWorker: 1\n  mpiImplementation: MPICH")]
    public void Ranks_that_cannot_be_judged_are_not(string old, string with) => Silent(AJob.With(old, with));

    [Fact]
    public void The_last_worker_with_fewer_ranks_than_slots_is_not_idle() => Silent(AJob.With("slotsPerWorker: 1", "slotsPerWorker: 2", "\"2\"", "\"3\""));

    [Fact]
    public void Rules_about_sshd_and_its_keys_are_silent_over_the_agent() => Silent(AJob.With(
        "metadata:", "metadata:\n  annotations: { kubempi.dev/transport: agent }", $"command: {Sshd}", "imagePullPolicy: Always", "/home/mpiuser/.ssh", "/root/.ssh"));

    [Fact]
    public void A_launcher_that_runs_ranks_adds_its_slots() => Silent(AJob.With("slotsPerWorker: 1", "slotsPerWorker: 1\n  runLauncherAsWorker: true", "\"2\"", "\"3\""));

    [Fact]
    public void Placeholders_of_the_template_are_errors() => Assert.Equal(
        [("S04", "\"COMMAND\" is the template's placeholder"), ("S04", "image \"IMAGE\" is the template's placeholder")],
        Found(AJob.With("/home/mpiuser/pi", "COMMAND", "mpioperator/mpi-pi:openmpi", "IMAGE")));

    [Theory]
    [InlineData("Me/Image:Tag", true)]
    [InlineData("me/image:Tag", false)]
    [InlineData("Registry.example:5000/me/image", false)]
    public void Image_names_have_no_upper_case_letters(string image, bool isWrong) =>
        Assert.Equal(isWrong, ManifestValidator.Check(AJob.With("mpioperator/mpi-pi:openmpi", image)).HasErrors);

    [Fact]
    public void Keys_outside_the_home_that_the_image_gives_its_user_are_named()
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.Good, static (_, _) => "/home/user").Findings);
        Assert.Equal(("S05", "spec.sshAuthMountPath", "Keys go to /home/mpiuser/.ssh. This works only if the image's UID 1000 has home /home/mpiuser"), (finding.Id, finding.Path, finding.Message));
        Assert.Equal("Image mpioperator/mpi-pi:openmpi has the home /home/user: write /home/user/.ssh.", finding.Fix);
        Assert.Empty(ManifestValidator.Check(AJob.Good, static (_, uid) => uid == 1000 ? "/home/mpiuser" : null).Findings);
        Assert.Equal("S05", Assert.Single(ManifestValidator.Check(AJob.Good, static (_, _) => null).Findings).Id);
    }

    [Theory]
    [InlineData("  sshAuthMountPath: /home/mpiuser/.ssh\n", "")]
    [InlineData("/home/mpiuser/.ssh\n", "/root/.ssh\n")]
    public void Roots_keys_are_of_no_use_to_others(string old, string with)
    {
        var findings = ManifestValidator.Check(AJob.With(old, with)).Findings;
        Assert.Equal(2, findings.Length);
        Assert.All(findings, static f => Assert.Equal(("S06", "UID 1000 cannot use /root/.ssh", "Set sshAuthMountPath to the user's home + /.ssh."), (f.Id, f.Message, f.Fix)));
    }

    [Fact]
    public void Both_roles_need_the_same_user()
    {
        Assert.Equal(["S07"], Ids(AJob.With("runAsUser: 1000", "runAsUser: 1001")));
        Assert.Equal(["S08"], Ids(AJob.With("image: mpioperator/mpi-pi:openmpi\n              securityContext: { runAsUser: 1000 }", "image: mpioperator/mpi-pi:openmpi")));
    }

    [Theory]
    [InlineData("[sleep, infinity]", "sleep")]
    [InlineData("[/bin/bash]", "bash")]
    [InlineData("[sh, -c, \"sleep infinity\"]", "sh")]
    [InlineData("[tail, -f, /dev/null]", "tail")]
    public void Workers_that_start_no_sshd_are_named(string command, string program)
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With(Sshd, command)).Findings);
        Assert.Equal(("S10", $"{Worker}.containers[0].command[0]", $"Workers must run sshd; found \"{program}\"", "Remove the command, or start sshd in it."), (finding.Id, finding.Path, finding.Message, finding.Fix));
    }

    [Theory]
    [InlineData("[sh, -c, \"ulimit -l unlimited; exec /usr/sbin/sshd -De\"]")]
    [InlineData("[/entrypoint]")]
    [InlineData("[bash, -c, \"/start.sh\"]")]
    [InlineData("[bash, /opt/start]")]
    public void Workers_that_may_start_an_sshd_are_left_alone(string command) => Silent(AJob.With(Sshd, command));

    [Fact]
    public void Arguments_alone_keep_the_operator_from_starting_sshd()
    {
        Assert.Equal(["S11"], Ids(AJob.With($"command: {Sshd}", "args: [--verbose]")));
        Silent(AJob.With($"command: {Sshd}", $"args: {Sshd}"));
    }

    [Fact]
    public void Sshd_needs_its_full_path() => Assert.Equal(["S12"], Ids(AJob.With(Sshd, "[sshd, -De]")));

    [Theory]
    [InlineData("[mpirun, -n, \"2\", -mca, plm_rsh_agent, /etc/mpi/kubexec.sh, pi]", "S13")]
    [InlineData("[mpirun, -n, \"2\", --mca, plm_rsh_args, \"-p 22\", pi]", "S23")]
    [InlineData("[mpirun, --hostfile, /data/hosts, pi]", "S14")]
    [InlineData("[mpirun, -H, a, pi]", "S14")]
    public void Options_that_take_the_wiring_away_are_named(string command, string id) => Assert.Equal([id], Ids(AJob.With(Command, command)));

    [Theory]
    [InlineData("[mpirun, --hostfile, /etc/mpi/hostfile, -n, \"2\", pi]")]
    [InlineData("[mpirun, --mca, plm_rsh_args, \"-p 22 -o ConnectionAttempts=10\", pi]")]
    [InlineData("[mpirun, pi, -H, a]")]
    public void Options_that_do_no_harm_are_left_alone(string command) => Silent(AJob.With(Command, command));

    [Fact]
    public void Root_needs_an_option_of_open_mpi()
    {
        const string Root = "securityContext: { runAsUser: 0 }";
        string[] asRoot = ["/home/mpiuser/.ssh\n", "/root/.ssh\n", "securityContext: { runAsUser: 1000 }", Root, "securityContext: { runAsUser: 1000 }", Root];
        Assert.Equal(["S15"], Ids(AJob.With(asRoot)));
        Silent(AJob.With([.. asRoot, "[mpirun,", "[mpirun, --allow-run-as-root,"]));
        Silent(AJob.With([.. asRoot, "name: launcher", "name: launcher\n              env: [{ name: OMPI_ALLOW_RUN_AS_ROOT, value: \"1\" }]"]));
        Assert.Equal(["S16"], Ids(AJob.With([.. asRoot, "[mpirun,", "[mpirun, --allow-run-as-root,", "          containers:", "          securityContext: { fsGroup: 5 }\n          containers:"])));
    }

    [Theory]
    [InlineData("/home/mpiuser/.ssh", "This volume hides the ssh keys")]
    [InlineData("/home/mpiuser/", "This volume hides what the image has in /home/mpiuser, such as an sshd configuration")]
    public void Volumes_over_the_keys_are_named(string mountPath, string message)
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With("name: worker", $"name: worker\n              volumeMounts: [{{ name: v, mountPath: {mountPath} }}]")).Findings);
        Assert.Equal(("S17", $"{Worker}.containers[0].volumeMounts[0].mountPath", message), (finding.Id, finding.Path, finding.Message));
    }

    [Fact]
    public void Images_whose_sshd_has_a_file_capability_need_it()
    {
        const string Old = "name: worker\n              command: [/usr/sbin/sshd, -De, -f, /home/mpiuser/.sshd_config]\n              securityContext: { runAsUser: 1000 }";
        Assert.Equal(["S18"], Ids(AJob.With(Old, Old.Replace("runAsUser: 1000", "runAsUser: 1000, capabilities: { drop: [ALL] }", StringComparison.Ordinal))));
        Silent(AJob.With(Old, Old.Replace("runAsUser: 1000", "runAsUser: 1000, capabilities: { drop: [ALL], add: [NET_BIND_SERVICE] }", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_launcher_much_larger_than_its_workers_is_probably_a_worker()
    {
        string[] limits(string launcher, string worker) => ["name: launcher", $"name: launcher\n              resources: {{ limits: {{ memory: {launcher} }} }}", "name: worker", $"name: worker\n              resources: {{ limits: {{ memory: {worker} }} }}"];
        Assert.Equal(["S19"], Ids(AJob.With(limits("64Gi", "500Mi"))));
        Silent(AJob.With(limits("500Mi", "64Gi")));
        Silent(AJob.With(limits("1Gi", "1Gi")));
    }

    [Fact]
    public void An_option_and_its_number_in_one_word_are_an_error()
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With("-n, \"2\"", "\"-n 2\"")).Findings);
        Assert.Equal((FindingSeverity.Error, "S20", $"{Launcher}.containers[0].command[1]", "\"-n 2\" is one argument; split it into \"-n\" and \"2\""), (finding.Severity, finding.Id, finding.Path, finding.Message));
    }

    [Fact]
    public void Workers_on_the_nodes_network_may_clash() => Assert.Equal(["S21"], Ids(AJob.With("    Worker:\n      replicas: 2\n      template:\n        spec:\n", "    Worker:\n      replicas: 2\n      template:\n        spec:\n          hostNetwork: true\n")));

    [Theory]
    [InlineData("-n, \"2\"", "-n, 2", "S01", "spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].command[2]")]
    [InlineData("    Launcher:\n", "    Launcher:\n      replicas: 2\n", "S09", "spec.mpiReplicaSpecs[Launcher].replicas")]
    public void What_the_operator_would_refuse_has_the_name_of_its_rule(string good, string bad, string id, string path)
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With(good, bad)).Findings, static f => f.Severity == FindingSeverity.Error);
        Assert.Equal((id, path), (finding.Id, finding.Path));
    }

    [Fact]
    public void A_sidecar_before_the_container_that_is_meant_is_named()
    {
        var finding = Assert.Single(ManifestValidator.Check(AJob.With("containers:\n            - name: launcher", "containers:\n            - { name: proxy, image: envoy, securityContext: { runAsUser: 1000 } }\n            - name: launcher")).Findings);
        Assert.Equal(("S22", "The first container gets keys, env and hostfile; \"proxy\" is first", "Move \"launcher\" to the front."), (finding.Id, finding.Message, finding.Fix));
    }

    [Theory]
    [InlineData("metacontroller/mpi-test-daemons.yaml")]
    [InlineData("metacontroller/mpi-test-replicas.yaml")]
    public void A_folder_of_the_node_is_warned_of_in_manifests_that_their_users_had(string file) =>
        Assert.Equal("spec.template.spec.volumes[0].hostPath", Assert.Single(ManifestValidator.Check(File.ReadAllText(Path.Combine(Root(), "examples", file))).Findings, static f => f.Severity == FindingSeverity.Warning).Path);

    [Theory]
    [MemberData(nameof(Examples))]
    public void Our_own_examples_have_no_findings(string file) => Assert.Equal("", ManifestValidator.Check(File.ReadAllText(Path.Combine(Root(), "examples", file))).ToText(file));

    [Fact]
    public void The_documented_job_of_v1alpha2_is_told_of_its_misspelt_request_and_of_nothing_else()
    {
        var findings = ManifestValidator.Check(File.ReadAllText(Path.Combine(Root(), "examples/kubeflow-v1alpha2/tensorflow-mnist.yaml"))).Findings;
        Assert.Equal(
            ["spec.mpiReplicaSpecs[Launcher].template.spec.containers[0].resources.request", "spec.mpiReplicaSpecs[Worker].template.spec.containers[0].resources.request"],
            findings.Select(static f => f.Path));
        Assert.All(findings, static f => Assert.Equal((FindingSeverity.Warning, "did you mean requests?"), (f.Severity, f.Fix)));
    }

    private static bool IsAsItsUsersHadIt(string file) => file.Contains("/mpi-test-", StringComparison.Ordinal) || file.EndsWith("tensorflow-mnist.yaml", StringComparison.Ordinal);

    public static TheoryData<string> Examples() => [.. Directory.EnumerateFiles(Path.Combine(Root(), "examples"), "*.yaml", SearchOption.AllDirectories).Where(static f => !f.Contains("/images/", StringComparison.Ordinal) && !IsAsItsUsersHadIt(f)).Select(static f => Path.GetRelativePath(Path.Combine(Root(), "examples"), f)).Order(StringComparer.Ordinal)];

    internal static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "KubeMPI.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not run within a checkout");
        return folder;
    }

    private static void Silent(string manifest) => Assert.Equal("", ManifestValidator.Check(manifest).ToText("x.yaml"));

    private static IEnumerable<string> Ids(string manifest) => ManifestValidator.Check(manifest).Findings.Select(static f => f.Id);

    private static IEnumerable<(string Id, string Message)> Found(string manifest) => ManifestValidator.Check(manifest).Findings.Select(static f => (f.Id, f.Message));
}
