using System.Text;
using Kube.Client;
using Kube.Types;
using Mpi.LocalCluster;

namespace EndToEnd;

/// <summary>What a program in a pod finds of the cluster that it runs in.</summary>
public sealed class InClusterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Kubectl_in_a_pod_reaches_the_API_server_as_the_pods_service_account()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/kubectl") || File.Exists("/usr/local/bin/kubectl"), "kubectl is not installed where pods see it");
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed");
        var cancellation = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("kubempi-in-cluster-");
        try
        {
            var options = new LocalClusterOptions
            {
                StateParent = Path.Combine(folder.FullName, "state"),
                Cache = Path.Combine(folder.FullName, "cache"),
                ImagePath = [],
                Program = new HostProgram(["/bin/true"], []),
                Notice = static _ => { },
            };
            await using var lookout = new Lookout(options.StateParent);
            await using var cluster = await LocalCluster.StartAsync(options, cancellation);
            // By its configuration inside the cluster, which names the address; then by the name, with the files that it is made from.
            const string Script = """
                cd /var/run/secrets/kubernetes.io/serviceaccount && kubectl get pods -o name && kubectl get --raw /version | grep -o gitVersion && cat namespace && curl -sS --cacert ca.crt -H "Authorization: Bearer $(cat token)" -o /dev/null -w ' %{http_code}' https://kubernetes.default.svc/version
                """;
            await cluster.Client.CreateAsync(Kinds.Pod, KubeObject.From(Yaml.Read($$"""
                apiVersion: v1
                kind: Pod
                metadata: {name: asks, namespace: default}
                spec:
                  restartPolicy: Never
                  containers: [{name: main, image: any/image, command: [sh, -c, "{{Script.Replace("\"", "\\\"", StringComparison.Ordinal)}} 2>&1"]}]
                """)[0].Root), cancellation);
            var said = await LogOfAsync(cluster, cancellation);
            Assert.Equal("pod/asks\ngitVersion\ndefault 200", said);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> LogOfAsync(LocalCluster cluster, CancellationToken cancellation)
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) < Patience)
        {
            var pod = await cluster.Client.GetAsync(Kinds.Pod, "default", "asks", cancellation);
            if (pod.Root.Text("status", "phase") is "Succeeded" or "Failed")
            {
                await using var log = await cluster.Client.OpenLogAsync("default", "asks", new LogOptions("main"), cancellation);
                using var text = new StreamReader(log, Encoding.UTF8);
                return await text.ReadToEndAsync(cancellation);
            }

            await Task.Delay(100, cancellation);
        }

        throw new TimeoutException("the pod did not end");
    }
}
