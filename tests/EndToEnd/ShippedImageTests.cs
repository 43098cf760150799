using Kube.Nodes.Images;

namespace EndToEnd;

/// <summary>The stand-ins that come with the program can be used on a machine with both MPIs.</summary>
public sealed class ShippedImageTests
{
    private static readonly string Images = Path.Combine(Kubempi.Root, "images");

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_stand_in_is_understood_with_its_bases(string image)
    {
        var content = new ImageCatalog([Images]).Resolve(image);

        Assert.True(content.HasStandIn);
        if (!image.Contains("intel", StringComparison.Ordinal)) Assert.Empty(content.Missing());
    }

    [Theory]
    [InlineData("mpioperator/mpi-pi:openmpi", "/usr/bin/mpirun.openmpi")]
    [InlineData("mpioperator/mpi-pi:mpich", "/usr/bin/mpiexec.hydra")]
    public void Each_flavour_has_its_own_mpirun_first(string image, string program)
    {
        var links = new ImageCatalog([Images]).Resolve(image).Layers.SelectMany(static l => l.Links);

        Assert.Equal(program, links.Last(static l => l.Path == "/usr/local/bin/mpirun").Targets[0]);
    }

    [Fact]
    public void The_intel_image_asks_for_intel_mpi()
    {
        Assert.SkipWhen(Directory.Exists("/opt/intel/oneapi/mpi"), "Intel MPI is installed here");

        var missing = new ImageCatalog([Images]).Resolve("mpioperator/mpi-pi:intel").Missing().First();

        Assert.Equal("image mpioperator/mpi-pi:intel: /opt/intel/oneapi/mpi/latest/bin/mpiexec.hydra is missing; install it: apt-get install intel-oneapi-mpi-devel", missing.ToString());
    }

    public static TheoryData<string> Names() => [.. Directory.EnumerateFiles(Images, "image.yaml", SearchOption.AllDirectories)
        .Select(static f => Path.GetRelativePath(Images, Path.GetDirectoryName(f)!).Replace('@', ':'))
        .Order(StringComparer.Ordinal)];
}
