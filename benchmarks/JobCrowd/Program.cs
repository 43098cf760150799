using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Benchmarks.JobCrowd;
using Kube.ApiServer;
using Kube.Client;
using Kube.Controllers;
using Kube.Nodes.Virtual;
using Kube.Types;
using Mpi.Dialects;
using Mpi.LocalCluster;
using Mpi.Operator;

// Many jobs at once in real time: the operator, an API server, controllers and virtual nodes in this process. Says when all jobs ran,
// how long each took to be cleaned up after its launcher's end, and what they cost.
//
//   dotnet run -c Release --project benchmarks/JobCrowd [-- --jobs N] [--workers N] [--seconds S] [--short S]
//
// Every second job's launcher runs for --short seconds, the others for --seconds.

var (jobs, workers, seconds, quick) = (Number("--jobs", 100), Number("--workers", 8), Number("--seconds", 20), Number("--short", 2));
using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(30));
using var server = new KubeApiServer(new ApiServerOptions());
var requests = new RequestCounter(new InProcessHandler(server));
using var operatorClient = new KubeClient(requests, InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);
using var admin = new KubeClient(new InProcessHandler(server), InProcessHandler.BaseAddress, KubeClientOptions.Default, TimeProvider.System);
await admin.CreateAsync(Kinds.CustomResourceDefinition, KubeObject.From(Yaml.Read(CustomResources.MpiJobs())[0].Root), stop.Token);

await using var crowd = new Crowd(admin, jobs, workers);
await using var controllers = new ControllerSet(admin, new ControllerOptions(), TimeProvider.System, new Random(1));
await using var nodes = new VirtualNodes(admin, new VirtualNodeOptions(VirtualNodeSpec.Many("node-", (jobs * (workers + 1) / 100) + 1)), Script, TimeProvider.System, new Random(2));
await using var process = new OperatorProcess(
    new OperatorOptions { LeaderElection = false },
    new OperatorParts { Client = operatorClient, Dialects = [new KubeflowV2Beta1Dialect()], Identity = "benchmark" });
await using var loops = new LoopHost();
loops.Start([.. crowd.Loops, .. controllers.Loops, .. nodes.Loops, .. process.Loops]);
while (!controllers.HasSynced || process.Health.Ready() is { IsHealthy: false }) await Task.Delay(50, stop.Token);

var cpu = Process.GetCurrentProcess().TotalProcessorTime;
var began = Stopwatch.GetTimestamp();
await Parallel.ForAsync(0, jobs, stop.Token, async (i, token) => await admin.CreateAsync(KubeflowV2Beta1Dialect.MpiJob, Job(i), token));
var submitted = Stopwatch.GetElapsedTime(began);
await crowd.AllRan.WaitAsync(stop.Token);
var ran = Stopwatch.GetElapsedTime(began);
await crowd.AllCleanedUp.WaitAsync(stop.Token);
var over = Stopwatch.GetElapsedTime(began);

Say($"{jobs} jobs of {workers} workers, every second launcher {quick} s long, the others {seconds} s");
Say($"submitted               {submitted.TotalSeconds:0.0} s");
Say($"all were seen to run    {ran.TotalSeconds:0.0} s");
Say($"all cleaned up          {over.TotalSeconds:0.0} s");
Say($"end to cleaned up       {crowd.CleanUps}");
Say($"operator's requests     {(double)requests.Writes / jobs:0.0} writes and {(double)requests.Reads / jobs:0.00} reads a job");
Say($"CPU, everything         {(Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalMilliseconds / jobs:0} ms a job; peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1024 / 1024} MiB");
return;

PodScript Script(PodView pod) => pod.Meta.Labels.GetValueOrDefault(Crowd.RoleLabel) == "launcher"
    ? PodScript.RunsFor(TimeSpan.FromSeconds(Crowd.NumberOf(pod) % 2 == 0 ? quick : seconds)) with { InitDone = () => crowd.WorkersRun(pod) }
    : PodScript.RunsForever with { StartDelay = TimeSpan.FromMilliseconds(500) };

KubeObject Job(int number) => KubeObject.From((JsonObject)JsonNode.Parse($$$"""
    {"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "{{{Crowd.NameOf(number)}}}", "namespace": "default"},
     "spec": {"runPolicy": {"cleanPodPolicy": "Running"}, "mpiReplicaSpecs": {
       "Launcher": {"template": {"spec": {"containers": [{"name": "main", "image": "example/mpi", "command": ["mpirun", "hostname"]}]}} },
       "Worker": {"replicas": {{{workers}}}, "template": {"spec": {"containers": [{"name": "main", "image": "example/mpi"}]}} }} } }
    """)!);

int Number(string name, int otherwise)
{
    var at = Array.IndexOf(args, name);
    return at < 0 ? otherwise : int.Parse(args[at + 1], CultureInfo.InvariantCulture);
}

static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
