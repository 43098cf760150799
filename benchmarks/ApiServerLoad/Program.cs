using System.Globalization;
using System.Security.Cryptography;
using Benchmarks.ApiServerLoad;
using Kube.ApiServer;
using Kube.Client;
using Mpi.LocalCluster;

// Writers create objects while watchers follow; then the objects are listed.
//
//   dotnet run -c Release --project benchmarks/ApiServerLoad [-- --https] [--objects N] [--writers N] [--watchers N]

var plan = new LoadPlan(Number("--objects", 100_000), Number("--writers", 20), Number("--watchers", 200));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

using var server = new KubeApiServer(new ApiServerOptions { LogCapacity = plan.Objects + 1 });
if (!args.Contains("--https"))
{
    using var inProcess = new HttpMessageInvoker(new InProcessHandler(server));
    await LoadRun.ExecuteAsync(plan, inProcess, InProcessHandler.BaseAddress, "in process", stop.Token);
    return;
}

await using var host = await ApiServerHost.StartAsync(server, RandomNumberGenerator.GetHexString(32), TimeProvider.System, port: 0, stop.Token);
var folder = Directory.CreateTempSubdirectory("kubempi-load-");
try
{
    var kubeconfig = Path.Combine(folder.FullName, "kubeconfig");
    host.WriteKubeconfig(kubeconfig);
    using var https = new HttpMessageInvoker(ClusterConnection.Load(new ClusterConnectionOptions(kubeconfig), TimeProvider.System).CreateHandler());
    await LoadRun.ExecuteAsync(plan, https, host.Url, "over HTTPS", stop.Token);
}
finally
{
    folder.Delete(recursive: true);
}

int Number(string name, int otherwise)
{
    var at = Array.IndexOf(args, name);
    return at < 0 ? otherwise : int.Parse(args[at + 1], CultureInfo.InvariantCulture);
}
